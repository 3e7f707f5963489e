//! The cameras' room and the rest of the hall: settings in, alarms in, views out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use config::{CameraText, Loaded, Mode, Secret, SyncPolicy, VolumeText};
use engine::{Fact, FactBody};
use model::Priority;
use protocol::AlarmView;
use runtime::{Metrics, Tasks};
use video::clip::AlarmSeen;
use video::volume::recorder::Lengths;
use video::volume::{Keep, Settings as VolumeSettings, Sync};
use video::{Camera, Settings, Video};

use crate::exit;
use crate::secrets::write_private;

/// The cameras by state are counted this often.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Where a simulated camera's two streams are; none: it is not.
pub type Simulated<'a> = &'a dyn Fn(&CameraText) -> Option<(String, String)>;

/// What the room is opened with; simulated cameras that nobody simulates are left out.
///
/// # Errors
/// Exit 78 with every secret that cannot be read.
pub fn settings(loaded: &Loaded, data_dir: &Path, simulated: Simulated<'_>) -> anyhow::Result<Settings> {
    let mut problems = Vec::new();
    let mut cameras = Vec::new();
    for site in &loaded.sites {
        for text in &site.cameras {
            let own = || Some((text.url.clone(), text.sub_url.clone()));
            let urls = if text.url.is_empty() { simulated(text).map(|(m, s)| (m, Some(s))) } else { own() };
            let Some(urls) = urls else { continue };
            match camera(text, &site.enterprise.id, urls) {
                Ok(camera) => cameras.push(camera),
                Err(problem) => problems.push(format!("\n  {}:{}: {problem}", site.file, text.line)),
            }
        }
    }
    if !problems.is_empty() {
        return Err(exit::with(78, format!("{} camera(s) cannot be used{}", problems.len(), problems.concat())));
    }
    let video = &loaded.settings.video;
    Ok(Settings {
        volumes: video.volumes.iter().map(|v| volume(v, data_dir)).collect(),
        cameras,
        listed: video.allow.clone(),
        known: known(data_dir),
    })
}

fn camera(text: &CameraText, enterprise: &str, (url, sub): (String, Option<String>)) -> Result<Camera, String> {
    let parsed = |u: String| u.parse().map_err(|e| format!("URL_INVALID {e} / 地址无法识别"));
    let login = text.login.as_ref().map(|(user, secret)| Ok::<_, String>((user.clone(), password(secret)?)));
    Ok(Camera {
        id: text.id.clone(),
        name_zh: text.name_zh.clone(),
        name_en: text.name_en.clone(),
        enterprise: enterprise.to_owned(),
        url: parsed(url)?,
        sub_url: sub.map(parsed).transpose()?,
        login: login.transpose()?,
        udp: text.udp,
        keep: keep(&text.mode),
        tags: text.tags.clone(),
        around_us: (micros(text.around_s.0), micros(text.around_s.1)),
        volume: text.volume.clone(),
    })
}

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6) as i64
}

fn password(secret: &Secret) -> Result<String, String> {
    let text = match secret {
        Secret::File(file) => {
            std::fs::read_to_string(file).map_err(|e| format!("FILE_UNREADABLE {}: {e} / 无法读取", file.display()))?
        }
        Secret::Env(name) => std::env::var(name)
            .map_err(|_| format!("KEY_MISSING environment variable {name} is not set / 环境变量未设置"))?,
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn keep(mode: &Mode) -> Keep {
    match *mode {
        Mode::Continuous { days, gib, priority } => {
            Keep::Continuous { days, bytes: gib.map(|g| (g * f64::from(1 << 30)) as u64), priority }
        }
        Mode::Rolling { minutes } => Keep::Rolling { minutes },
        Mode::OnDemand { days } => Keep::OnDemand { days },
    }
}

fn volume(text: &VolumeText, data_dir: &Path) -> VolumeSettings {
    VolumeSettings {
        id: text.id.clone(),
        path: data_dir.join(&text.path),
        lengths: Lengths {
            segment: Duration::from_secs_f64(text.segment_s),
            fragment: Duration::from_secs_f64(text.fragment_ms / 1_000.0),
        },
        sync: match text.sync {
            SyncPolicy::Syncfs => Sync::Syncfs,
            SyncPolicy::Fdatasync => Sync::Fdatasync,
            SyncPolicy::None => Sync::None,
        },
        reserve_bytes: (text.reserve_mib * f64::from(1 << 20)) as u64,
        min_free_bytes: (text.min_free_gib * f64::from(1 << 30)) as u64,
        clips_max: text.clips_max_percent / 100.0,
    }
}

/// The disks as they were seen the last time lie beside the journal, not on the disks: one that is not mounted is missed.
fn known_file(data_dir: &Path) -> PathBuf {
    data_dir.join("video-volumes.json")
}

fn known(data_dir: &Path) -> BTreeMap<String, String> {
    std::fs::read(known_file(data_dir)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The room once it is open. Alarms that came before are bound when it opens, for they are still open then.
#[derive(Clone, Default)]
pub struct Cameras(Arc<OnceLock<Arc<Video>>>);

impl Cameras {
    /// Opens the room, remembers its disks, and binds the alarms that are open. Within the async runtime.
    ///
    /// # Errors
    /// Exit 74.
    pub fn open(
        &self,
        settings: Settings,
        (data_dir, metrics, tasks): (&Path, &Metrics, &Tasks),
        alarms: &[AlarmView],
    ) -> anyhow::Result<()> {
        let mut known = settings.known.clone();
        let video = Video::open(settings, metrics).map_err(|e| exit::with(74, format!("cameras: {e}")))?;
        known.extend(video.volumes().iter().map(|v| (v.settings().id.clone(), v.identity().to_owned())));
        if !known.is_empty() {
            write_private(&known_file(data_dir), &serde_json::to_vec_pretty(&known)?)?;
        }
        let video = self.0.get_or_init(|| Arc::new(video));
        alarms.iter().filter_map(seen_in_view).for_each(|seen| video.clips().alarm(seen));
        count_states(video.clone(), metrics.clone(), tasks);
        Ok(())
    }

    /// The room; none before it is open.
    pub fn get(&self) -> Option<&Arc<Video>> {
        self.0.get()
    }

    /// Durable facts: an alarm keeps what its cameras saw. Called on the hall's threads; does not block.
    pub fn tell(&self, facts: &[Fact]) {
        let Some(video) = self.get().filter(|v| !v.cameras().is_empty()) else { return };
        facts.iter().filter_map(seen_in_fact).for_each(|seen| video.clips().alarm(seen));
    }

    /// For `/readyz`: the disks of the recordings, where there are any.
    pub fn subsystem(&self) -> Option<api::Subsystem> {
        let video = self.get().filter(|v| !v.cameras().is_empty())?;
        let closed = video.closed_volumes().iter().map(|(id, why)| format!("{id}: {why}"));
        let troubled = video.volumes().iter().filter_map(|v| Some(format!("{}: {}", v.settings().id, v.trouble()?.1)));
        let troubles: Vec<String> = closed.chain(troubled).collect();
        let text = if troubles.is_empty() { "recording".to_owned() } else { troubles.join("; ") };
        Some(("video".to_owned(), troubles.is_empty(), text))
    }

    /// Closes sessions, clips and disks.
    pub async fn close(&self) {
        if let Some(video) = self.get() {
            video.close().await;
        }
    }
}

/// Only what is real: facts of a drill are of another kind. Diagnostics of instruments concern no camera.
fn seen_in_fact(fact: &Fact) -> Option<AlarmSeen> {
    let FactBody::Alarm(transition) = &fact.body else { return None };
    let alarm = &transition.alarm;
    (alarm.priority != Priority::Diagnostic).then(|| AlarmSeen {
        alarm: alarm.alarm_id.0,
        enterprise: alarm.enterprise.to_string(),
        tag: alarm.tag_name.to_string(),
        raised_at: alarm.raised_at.0,
        over_at: (!alarm.active).then(|| alarm.returned_at.unwrap_or(fact.at).0),
    })
}

fn seen_in_view(alarm: &AlarmView) -> Option<AlarmSeen> {
    let number = alarm.alarm_id.parse::<alarm::AlarmId>().ok()?.0;
    (alarm.priority != u8::from(Priority::Diagnostic)).then(|| AlarmSeen {
        alarm: number,
        enterprise: alarm.enterprise.to_string(),
        tag: alarm.tag.to_string(),
        raised_at: alarm.raised_at,
        over_at: (!alarm.active).then(|| alarm.returned_at.unwrap_or(alarm.raised_at)),
    })
}

fn count_states(video: Arc<Video>, metrics: Metrics, tasks: &Tasks) {
    use video::session::State;
    let states =
        [State::Starting, State::Connecting, State::Receiving, State::Retrying, State::AuthFailed, State::Idle];
    let stop = tasks.stopping().clone();
    tasks.run("camera states", async move {
        loop {
            for state in states {
                let label = format!("state=\"{}\"", state.code());
                let count = video.cameras().iter().filter(|c| c.status().state == state).count();
                metrics.gauge("fenghuo_video_cameras", &label, "Cameras by state.").set(count as f64);
            }
            let missing = video.cameras().iter().filter(|c| c.gap().is_some()).count();
            metrics.gauge("fenghuo_video_not_recording", "", "Cameras that are not recorded now.").set(missing as f64);
            tokio::select! { biased; () = stop.cancelled() => return, () = tokio::time::sleep(COUNT_EVERY) => {} }
        }
    });
}
