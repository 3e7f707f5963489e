//! `[[camera]]` of a site file and `[video]`, `[[volume]]` of `fenghuo.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use crate::address::{Net, forbidden};
use crate::reader::{Reader, Report};
use crate::{Problem, Settings, Site};

/// How much of a camera is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// Everything, for days and at most so many GiB.
    Continuous {
        /// Days.
        days: f64,
        /// GiB; none: no limit.
        gib: Option<f64>,
        /// 1 is deleted last for want of space, 5 first.
        priority: u8,
    },
    /// The newest minutes, and what alarms hold.
    Rolling {
        /// Minutes.
        minutes: f64,
    },
    /// Only while somebody asks or an alarm lasts.
    OnDemand {
        /// Days.
        days: f64,
    },
}

/// Where a password is; never the password itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

/// A camera as written.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraText {
    /// Line in its file.
    pub line: usize,
    /// Id, unique over all sites.
    pub id: String,
    /// Name.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Address; empty for one that the demo simulates.
    pub url: String,
    /// Address of the smaller stream, for walls of many pictures.
    pub sub_url: Option<String>,
    /// The place that the demo's simulator shows instead.
    pub simulated: Option<String>,
    /// RTP over UDP instead of within the connection.
    pub udp: bool,
    /// User name and where the password is.
    pub login: Option<(String, Secret)>,
    /// What is kept.
    pub mode: Mode,
    /// What an alarm keeps before and after it, seconds.
    pub around_s: (f64, f64),
    /// Tags whose alarms it is bound to; empty: all of its enterprise.
    pub tags: Vec<String>,
    /// Disk; none: spread over all.
    pub volume: Option<String>,
}

/// What makes written bytes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// The whole file system once a second.
    Syncfs,
    /// Every open file once a second.
    Fdatasync,
    /// The operating system, when it likes.
    None,
}

/// A disk for recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeText {
    /// Name.
    pub id: String,
    /// Folder.
    pub path: PathBuf,
    /// Seconds of one file.
    pub segment_s: f64,
    /// Milliseconds of one fragment.
    pub fragment_ms: f64,
    /// Durability.
    pub sync: SyncPolicy,
    /// MiB set aside for the day the disk is full.
    pub reserve_mib: f64,
    /// GiB that stay free.
    pub min_free_gib: f64,
    /// Percent of the disk that clips of alarms may hold.
    pub clips_max_percent: f64,
}

/// `[video]` and every `[[volume]]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoText {
    /// Special address ranges that cameras may have all the same.
    pub allow: Vec<Net>,
    /// Disks.
    pub volumes: Vec<VolumeText>,
}

pub(crate) fn video(r: &Reader<'_, '_>) -> VideoText {
    let mut allow = Vec::new();
    if let Some(t) = r.opt_table("video") {
        for text in t.texts("allow") {
            match Net::parse(&text) {
                Some(net) => allow.push(net),
                None => t.problem(
                    "allow",
                    "VALUE_RANGE",
                    format!("key `allow` has \"{text}\", wanted ranges such as \"192.168.7.0/24\""),
                    format!("键 `allow` 中的 \"{text}\" 不是网段，例如 \"192.168.7.0/24\""),
                ),
            }
        }
        t.finish();
    }
    let volumes: Vec<_> = r.tables("volume").into_iter().map(volume).collect();
    let mut seen = BTreeSet::new();
    for v in volumes.iter().filter(|v| !seen.insert(v.id.clone())) {
        let en = format!("[[volume]] \"{}\" is there twice", v.id);
        r.problem("volume", "VALUE_RANGE", en, format!("[[volume]] \"{}\" 重复", v.id));
    }
    VideoText { allow, volumes }
}

fn volume(r: Reader<'_, '_>) -> VolumeText {
    let sync = choice(&r, "sync", "syncfs", &["syncfs", "fdatasync", "none"]);
    let volume = VolumeText {
        id: id(&r, "id"),
        path: r.text("path").into(),
        segment_s: r.number("segment_s", 60.0, 2.0..=600.0),
        fragment_ms: r.number("fragment_ms", 200.0, 20.0..=5_000.0),
        sync: match sync {
            "fdatasync" => SyncPolicy::Fdatasync,
            "none" => SyncPolicy::None,
            _ => SyncPolicy::Syncfs,
        },
        reserve_mib: r.number("reserve_mib", 256.0, 0.0..=65_536.0),
        min_free_gib: r.number("min_free_gib", 20.0, 0.0..=100_000.0),
        clips_max_percent: r.number("clips_max_percent", 50.0, 1.0..=95.0),
    };
    r.finish();
    volume
}

/// A word of a list; the first problem names the others.
fn choice<'w>(r: &Reader<'_, '_>, key: &'static str, default: &'w str, words: &[&'w str]) -> &'w str {
    let Some(text) = r.opt_text(key) else { return default };
    words.iter().copied().find(|w| *w == text).unwrap_or_else(|| {
        let list = words.join(", ");
        let en = format!("key `{key}` is \"{text}\", wanted one of {list}");
        r.problem(key, "VALUE_RANGE", en, format!("键 `{key}` 的值 \"{text}\" 应为 {list} 之一"));
        default
    })
}

/// An id that is also a folder's name.
fn id(r: &Reader<'_, '_>, key: &'static str) -> String {
    let id = r.text(key);
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if id.is_empty() || id.len() > 64 || id.starts_with('.') || !plain {
        let en =
            format!("key `{key}` is \"{id}\", wanted 1 to 64 letters, digits, `_`, `-` or `.`, not beginning with `.`");
        let zh = format!("键 `{key}` 的值 \"{id}\" 应为 1 至 64 个字母、数字、`_`、`-` 或 `.`，且不以 `.` 开头");
        r.problem(key, "VALUE_RANGE", en, zh);
    }
    id
}

pub(crate) fn camera(r: Reader<'_, '_>) -> CameraText {
    let simulated = simulated(&r);
    let url = if simulated.is_some() { r.opt_text("url").unwrap_or_default() } else { r.text("url") };
    check_url(&r, "url", &url);
    let sub_url = r.opt_text("sub_url");
    check_url(&r, "sub_url", sub_url.as_deref().unwrap_or_default());
    let id = id(&r, "id");
    let camera = CameraText {
        line: r.line("id"),
        name_zh: r.text("name_zh"),
        name_en: r.opt_text("name_en").unwrap_or_else(|| id.clone()),
        id,
        url,
        sub_url,
        simulated,
        udp: choice(&r, "transport", "tcp", &["tcp", "udp"]) == "udp",
        login: login(&r),
        mode: mode(&r),
        around_s: (r.number("before_s", 60.0, 0.0..=3_600.0), r.number("after_s", 300.0, 0.0..=86_400.0)),
        tags: r.texts("tags"),
        volume: r.opt_text("volume"),
    };
    r.finish();
    camera
}

/// `PLACE` or `PLACE@night` of the demo's simulator.
fn simulated(r: &Reader<'_, '_>) -> Option<String> {
    let text = r.opt_text("simulated")?;
    let place = text.strip_suffix("@night").unwrap_or(&text);
    if !["tank_farm", "workshop", "gate", "corridor"].contains(&place) {
        let wanted = "tank_farm, workshop, gate or corridor, with or without @night";
        let en = format!("key `simulated` is \"{text}\", wanted {wanted}");
        r.problem("simulated", "VALUE_RANGE", en, format!("键 `simulated` 的值 \"{text}\" 应为 {wanted}"));
    }
    Some(text)
}

fn mode(r: &Reader<'_, '_>) -> Mode {
    let mode = choice(r, "mode", "rolling", &["rolling", "continuous", "on_demand"]);
    // Each is asked for, so that one that does not fit the mode is told apart from one that nobody knows.
    let minutes = r.number("keep_minutes", 10.0, 2.0..=1_440.0);
    let days = r.number("keep_days", 30.0, 0.01..=3_650.0);
    let gib = r.opt_number("max_gib").map(|_| r.number("max_gib", 1.0, 0.01..=1_000_000.0));
    let priority = r.number("priority", 3.0, 1.0..=5.0) as u8;
    match mode {
        "continuous" => Mode::Continuous { days, gib, priority },
        "on_demand" => Mode::OnDemand { days },
        _ => Mode::Rolling { minutes },
    }
}

fn login(r: &Reader<'_, '_>) -> Option<(String, Secret)> {
    let (file, env) = (r.opt_text("password_file"), r.opt_text("password_env"));
    let user = r.opt_text("user");
    let secret = match (file, env) {
        (Some(file), None) => Some(Secret::File(file.into())),
        (None, Some(env)) => Some(Secret::Env(env)),
        (None, None) => None,
        (Some(_), Some(_)) => {
            let en = "keys `password_file` and `password_env` are both there, wanted one of them".to_owned();
            r.problem("password_file", "VALUE_RANGE", en, "`password_file` 与 `password_env` 只能二选一".into());
            None
        }
    };
    match (user, secret) {
        (Some(user), Some(secret)) => Some((user, secret)),
        (None, None) => None,
        _ => {
            let en = "a login needs `user` and one of `password_file`, `password_env`".to_owned();
            r.problem("user", "KEY_MISSING", en, "登录需要 `user` 和 `password_file` 或 `password_env`".into());
            None
        }
    }
}

/// Host of an address, and whether it is a number; the rest is checked by who connects.
struct Host<'a> {
    text: &'a str,
}

fn host(url: &str) -> Result<Host<'_>, (&'static str, &'static str, &'static str)> {
    let scheme = ("URL_SCHEME", "wanted rtsp://HOST[:PORT]/PATH", "应为 rtsp://主机[:端口]/路径");
    let Some((name, rest)) = url.split_once("://") else { return Err(scheme) };
    match name {
        "rtsp" => {}
        "rtsps" => {
            return Err((
                "URL_SCHEME",
                "rtsps is not supported; use rtsp in the cameras' own network",
                "不支持 rtsps，请在摄像机专网内使用 rtsp",
            ));
        }
        _ => return Err(scheme),
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err((
            "URL_LOGIN",
            "user name and password belong into `user` and `password_file`",
            "用户名和密码应写在 `user` 和 `password_file` 中",
        ));
    }
    let (text, port) = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        Some((inside, after)) => (inside, after.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p))),
    };
    let named = text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    let port_fits = port.is_none_or(|p| p.parse::<u16>().is_ok_and(|p| p > 0));
    let plain = !url.chars().any(|c| c.is_whitespace() || c.is_control());
    if text.is_empty() || !(named || text.parse::<IpAddr>().is_ok()) || !port_fits || !plain {
        return Err(("URL_INVALID", "host or port cannot be read", "主机或端口无法识别"));
    }
    Ok(Host { text })
}

fn check_url(r: &Reader<'_, '_>, key: &'static str, url: &str) {
    if url.is_empty() {
        return;
    }
    if let Err((code, en, zh)) = host(url) {
        // A login in the address would be repeated here.
        let shown = if code == "URL_LOGIN" { "rtsp://…" } else { url };
        r.problem(key, code, format!("key `{key}` is \"{shown}\": {en}"), format!("键 `{key}` 的值 \"{shown}\"：{zh}"));
    }
}

/// What cameras of all sites say about one another, about tags, disks and forbidden addresses.
pub(crate) fn check(settings: &Settings, sites: &[Site], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for site in sites {
        for camera in &site.cameras {
            let report = Report::new(&site.file, "");
            check_camera(settings, site, camera, &report);
            if let Some(other) = seen.insert(&camera.id, &site.file) {
                let en = format!("camera \"{}\" is in {other} already", camera.id);
                say(
                    &report,
                    site,
                    camera,
                    ("id", "VALUE_RANGE"),
                    (en, format!("摄像机 \"{}\" 已在 {other} 中", camera.id)),
                );
            }
            problems.extend(report.take());
        }
    }
}

fn check_camera(settings: &Settings, site: &Site, camera: &CameraText, report: &Report<'_>) {
    for tag in camera.tags.iter().filter(|t| !site.tags.iter().any(|known| known.tag == **t)) {
        let en = format!("key `tags` has \"{tag}\", which is no tag of this site");
        say(report, site, camera, ("tags", "TAG_UNKNOWN"), (en, format!("键 `tags` 中的 \"{tag}\" 不是本站点的测点")));
    }
    let volumes = &settings.video.volumes;
    if let Some(volume) = camera.volume.as_ref().filter(|v| !volumes.iter().any(|known| known.id == **v)) {
        let en = format!("key `volume` is \"{volume}\", which is no [[volume]] of fenghuo.toml");
        let zh = format!("键 `volume` 的值 \"{volume}\" 不是 fenghuo.toml 中的 [[volume]]");
        say(report, site, camera, ("volume", "VALUE_RANGE"), (en, zh));
    }
    for (key, url) in [("url", Some(&camera.url)), ("sub_url", camera.sub_url.as_ref())] {
        let address = url.and_then(|u| host(u).ok()?.text.parse::<IpAddr>().ok());
        if let Some(rule) = address.and_then(|a| forbidden(a, &settings.video.allow)) {
            let en = format!(
                "key `{key}`: the address is forbidden ({rule}); list its range under `allow` of [video] if it is right"
            );
            let zh = format!("键 `{key}`：该地址被禁止（{rule}）；确属摄像机的，请在 [video] 的 `allow` 中列出其网段");
            say(report, site, camera, (key, "URL_FORBIDDEN_NET"), (en, zh));
        }
    }
}

fn say(
    report: &Report<'_>,
    site: &Site,
    camera: &CameraText,
    (key, code): (&str, &'static str),
    (message_en, message_zh): (String, String),
) {
    let (file, line) = (site.file.clone(), camera.line);
    report.push(Problem { file, line, code, key: key.into(), message_en, message_zh });
}
