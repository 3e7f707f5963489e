//! A site file: one enterprise, its units, its tags with limits, and payload mappings.

use alarm::OnUnknown;
use model::{Enterprise, Limits, Unit};

use crate::Problem;
use crate::camera::{self, CameraText};
use crate::reader::{Reader, Report};

/// One checked site file.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// File it came from.
    pub file: String,
    /// The enterprise.
    pub enterprise: Enterprise,
    /// Its tags, repeats expanded.
    pub tags: Vec<TagText>,
    /// How other payload shapes become readings.
    pub mappings: Vec<Mapping>,
    /// Its cameras.
    pub cameras: Vec<CameraText>,
}

/// One tag as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TagText {
    /// Line of the tag in its file.
    pub line: usize,
    /// Name.
    pub tag: String,
    /// Unit of the site.
    pub unit_id: String,
    /// What it measures, Chinese.
    pub description_zh: String,
    /// What it measures, English.
    pub description_en: String,
    /// Engineering unit.
    pub unit: String,
    /// Hazard class.
    pub class: String,
    /// Instrument span.
    pub span: Option<(f64, f64)>,
    /// Limits.
    pub limits: Limits,
    /// Priorities of the limits and diagnostics, by the same names.
    pub priorities: [u8; 4],
    /// Deadband.
    pub deadband: f64,
    /// On-delay, seconds.
    pub on_delay_s: f64,
    /// Off-delay, seconds.
    pub off_delay_s: f64,
    /// Reporting period, seconds.
    pub period_s: Option<f64>,
    /// Stale after this many periods.
    pub stale_factor: f64,
    /// `(seconds, change)`.
    pub stuck: Option<(f64, f64)>,
    /// Per second.
    pub rate_max_per_s: Option<f64>,
    /// `(per second, window seconds, priority)`.
    pub rate: Option<(f64, f64, u8)>,
    /// Reorder buffer, seconds.
    pub reorder_s: f64,
    /// Safety class.
    pub safety: bool,
    /// What unknown does.
    pub on_unknown: OnUnknown,
    /// Latching.
    pub latch: bool,
    /// `(seconds, to)`.
    pub escalation: Vec<(f64, String)>,
    /// Expression during which its alarms are suppressed by design.
    pub suppress_when: Option<String>,
    /// This tag is a detector's second alarm level; the tag that reports the first.
    pub first_level: Option<String>,
}

/// How payloads of a topic pattern become readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Topic pattern with captures, e.g. `gw/{device}/data`.
    pub topic: String,
    /// Enterprise the readings belong to.
    pub enterprise: String,
    /// JSON pointer to the time; empty: none.
    pub time: String,
    /// JSON pointer to the quality; empty: none.
    pub quality: String,
    /// Values.
    pub values: Vec<MappedValue>,
}

/// One value of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedValue {
    /// JSON pointer.
    pub pointer: String,
    /// Tag; may hold captures of the pattern.
    pub tag: String,
    /// Unit the sender uses; must be the tag's.
    pub unit: String,
    /// Multiplied with the value.
    pub scale: f64,
}

impl Site {
    /// Reads a site file.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let report = Report::new(file, text);
        let root = report.parse();
        let reader = Reader::new(root.get_ref(), 0, &report);
        let enterprise = read_enterprise(&reader);
        let tags = reader.tables("tag").into_iter().flat_map(|t| read_tags(t, &enterprise)).collect();
        let id = enterprise.id.clone();
        let mappings = reader.tables("mapping").into_iter().map(|m| read_mapping(m, &id)).collect();
        let cameras = reader.tables("camera").into_iter().map(camera::camera).collect();
        reader.finish();
        let problems = report.take();
        let site = Self { file: file.into(), enterprise, tags, mappings, cameras };
        if problems.is_empty() { Ok(site) } else { Err(problems) }
    }
}

fn read_enterprise(root: &Reader<'_, '_>) -> Enterprise {
    let mut enterprise = Enterprise {
        id: String::new(),
        name_zh: String::new(),
        name_en: String::new(),
        kind: String::new(),
        address: String::new(),
        position: None,
        contact: String::new(),
        units: Vec::new(),
    };
    match root.opt_table("enterprise") {
        Some(r) => {
            enterprise.id = r.text("id");
            check_id(&r, "id", &enterprise.id);
            enterprise.name_zh = r.text("name_zh");
            enterprise.name_en = r.text("name_en");
            enterprise.kind = r.opt_text("kind").unwrap_or_else(|| "industrial".into());
            enterprise.address = r.opt_text("address").unwrap_or_default();
            enterprise.contact = r.opt_text("contact").unwrap_or_default();
            let place = (r.opt_number("longitude"), r.opt_number("latitude"));
            enterprise.position = place.0.zip(place.1);
            r.finish();
        }
        None => root.problem(
            "enterprise",
            "KEY_MISSING",
            "table `[enterprise]` is missing".into(),
            "缺少 `[enterprise]` 表".into(),
        ),
    }
    for u in root.tables("unit") {
        enterprise.units.push(Unit { id: u.text("id"), name_zh: u.text("name_zh"), name_en: u.text("name_en") });
        u.finish();
    }
    enterprise
}

fn check_id(r: &Reader<'_, '_>, key: &str, id: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        let en = format!("key `{key}` is \"{id}\", wanted 1 to 64 letters, digits, `_`, `-` or `.`");
        r.problem(
            key,
            "VALUE_RANGE",
            en,
            format!("键 `{key}` 的值 \"{id}\" 应为 1 至 64 个字母、数字、`_`、`-` 或 `.`"),
        );
    }
}

/// One `[[tag]]`, or several when it has `repeat`: `{n}` in its texts counts from 1.
fn read_tags(r: Reader<'_, '_>, enterprise: &Enterprise) -> Vec<TagText> {
    let repeat = r.number("repeat", 1.0, 1.0..=1_000.0) as u32;
    let tag = read_tag(&r, enterprise);
    r.finish();
    (1..=repeat).map(|n| numbered(&tag, n)).collect()
}

fn numbered(tag: &TagText, n: u32) -> TagText {
    let fill = |s: &String| s.replace("{n}", &n.to_string()).replace("{nn}", &format!("{n:02}"));
    TagText {
        tag: fill(&tag.tag),
        unit_id: fill(&tag.unit_id),
        description_zh: fill(&tag.description_zh),
        description_en: fill(&tag.description_en),
        suppress_when: tag.suppress_when.as_ref().map(fill),
        first_level: tag.first_level.as_ref().map(fill),
        ..tag.clone()
    }
}

fn read_tag(r: &Reader<'_, '_>, enterprise: &Enterprise) -> TagText {
    let name = r.text("tag");
    check_id(r, "tag", &name.replace(['{', '}'], ""));
    let unit_id = r.opt_text("unit_id").unwrap_or_default();
    if !unit_id.is_empty() && !unit_id.contains('{') && !enterprise.units.iter().any(|u| u.id == unit_id) {
        let en = format!("key `unit_id` is \"{unit_id}\", which is no [[unit]] of this file");
        r.problem("unit_id", "VALUE_RANGE", en, format!("键 `unit_id` 的值 \"{unit_id}\" 不是本文件中的 [[unit]]"));
    }
    let limits = read_limits(r);
    let tag = TagText {
        line: r.line("tag"),
        tag: name,
        unit_id,
        description_zh: r.opt_text("description_zh").unwrap_or_default(),
        description_en: r.opt_text("description_en").unwrap_or_default(),
        unit: r.opt_text("unit").unwrap_or_default(),
        class: r.opt_text("class").unwrap_or_else(|| "process".into()),
        span: r.opt_span("span"),
        limits,
        priorities: read_priorities(r),
        deadband: r.number("deadband", 0.0, 0.0..=1e9),
        on_delay_s: r.number("on_delay_s", 0.0, 0.0..=86_400.0),
        off_delay_s: r.number("off_delay_s", 0.0, 0.0..=86_400.0),
        period_s: r.opt_number("period_s"),
        stale_factor: r.number("stale_factor", 3.0, 1.0..=1_000.0),
        stuck: r.opt_table("stuck").map(|t| {
            let stuck = (t.number("after_s", 600.0, 1.0..=604_800.0), t.number("change", 0.0, 0.0..=1e9));
            t.finish();
            stuck
        }),
        rate_max_per_s: r.opt_number("rate_max_per_s"),
        rate: r.opt_table("rate").map(|t| {
            let rate = (
                t.number("per_s", 0.0, -1e9..=1e9),
                t.number("window_s", 60.0, 1.0..=3_600.0),
                t.number("priority", 3.0, 1.0..=5.0) as u8,
            );
            t.finish();
            rate
        }),
        reorder_s: r.number("reorder_s", 0.0, 0.0..=60.0),
        safety: r.opt_bool("safety").unwrap_or(false),
        on_unknown: read_on_unknown(r),
        latch: r.opt_bool("latch").unwrap_or(false),
        escalation: read_escalation(r),
        suppress_when: r.opt_text("suppress_when"),
        first_level: r.opt_text("first_level"),
    };
    check_limits(r, &tag);
    tag
}

fn read_limits(r: &Reader<'_, '_>) -> Limits {
    let Some(t) = r.opt_table("limits") else { return Limits::default() };
    let limits = Limits { ll: t.opt_number("ll"), l: t.opt_number("l"), h: t.opt_number("h"), hh: t.opt_number("hh") };
    t.finish();
    limits
}

/// In the order ll, l, h, hh.
fn read_priorities(r: &Reader<'_, '_>) -> [u8; 4] {
    let Some(t) = r.opt_table("priority") else { return [2, 3, 3, 2] };
    let of = |key, default| t.number(key, default, 1.0..=5.0) as u8;
    let priorities = [of("ll", 2.0), of("l", 3.0), of("h", 3.0), of("hh", 2.0)];
    t.finish();
    priorities
}

fn read_on_unknown(r: &Reader<'_, '_>) -> OnUnknown {
    match r.opt_text("on_unknown").as_deref() {
        None | Some("hold") => OnUnknown::Hold,
        Some("raise") => OnUnknown::Raise,
        Some("clear") => OnUnknown::Clear,
        Some(other) => {
            let en = format!("key `on_unknown` is \"{other}\", wanted hold, raise or clear");
            let zh = format!("键 `on_unknown` 的值 \"{other}\" 应为 hold、raise 或 clear");
            r.problem("on_unknown", "VALUE_RANGE", en, zh);
            OnUnknown::Hold
        }
    }
}

fn read_escalation(r: &Reader<'_, '_>) -> Vec<(f64, String)> {
    let mut steps = Vec::new();
    for t in r.tables("escalation") {
        steps.push((t.number("after_s", 60.0, 1.0..=86_400.0), t.text("to")));
        t.finish();
    }
    steps
}

/// ll < l < h < hh, all within the span.
fn check_limits(r: &Reader<'_, '_>, tag: &TagText) {
    let l = &tag.limits;
    let named: Vec<(&str, f64)> =
        [("ll", l.ll), ("l", l.l), ("h", l.h), ("hh", l.hh)].iter().filter_map(|(n, v)| Some((*n, (*v)?))).collect();
    for pair in named.windows(2) {
        let ((low, a), (high, b)) = (pair[0], pair[1]);
        if a >= b {
            let en = format!("limits.{low} is {a} and limits.{high} is {b}: {low} must be below {high}");
            r.problem("limits", "RULE_RANGE", en, format!("limits.{low} 为 {a}，limits.{high} 为 {b}：前者应小于后者"));
        }
    }
    let Some((from, to)) = tag.span else { return };
    for (name, v) in named.iter().filter(|(_, v)| *v < from || *v > to) {
        let en = format!("limits.{name} is {v}, outside the span [{from}, {to}]");
        r.problem("limits", "RULE_RANGE", en, format!("limits.{name} 的值 {v} 超出量程 [{from}, {to}]"));
    }
}

fn read_mapping(r: Reader<'_, '_>, enterprise: &str) -> Mapping {
    let mapping = Mapping {
        topic: r.text("topic"),
        enterprise: enterprise.into(),
        time: r.opt_text("time").unwrap_or_default(),
        quality: r.opt_text("quality").unwrap_or_default(),
        values: r
            .tables("value")
            .into_iter()
            .map(|v| {
                let value = MappedValue {
                    pointer: v.text("pointer"),
                    tag: v.text("tag"),
                    unit: v.opt_text("unit").unwrap_or_default(),
                    scale: v.number("scale", 1.0, -1e12..=1e12),
                };
                v.finish();
                value
            })
            .collect(),
    };
    r.finish();
    mapping
}
