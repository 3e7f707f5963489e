//! A rule file: expressions over tags.

use crate::Problem;
use crate::reader::{Reader, Report};

/// One rule as written.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleText {
    /// File.
    pub file: String,
    /// Line of its expression.
    pub line: usize,
    /// Id, unique within the enterprise.
    pub id: String,
    /// Enterprise of its primary tag.
    pub enterprise: String,
    /// Primary tag: its alarms are shown there.
    pub tag: String,
    /// Expression.
    pub when: String,
    /// Priority.
    pub priority: u8,
    /// On-delay, seconds.
    pub on_delay_s: f64,
    /// Off-delay, seconds.
    pub off_delay_s: f64,
    /// Latching.
    pub latch: bool,
    /// The first confirming reading after a gap may fire; false: the delay starts anew.
    pub bridge: bool,
    /// Hazard class.
    pub class: String,
    /// Text, Chinese.
    pub message_zh: String,
    /// Text, English.
    pub message_en: String,
}

impl RuleText {
    /// Reads a rule file.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Vec<Problem>> {
        let report = Report::new(file, text);
        let root = report.parse();
        let reader = Reader::new(root.get_ref(), 0, &report);
        let rules = reader.tables("rule").into_iter().map(|r| read_rule(file, r)).collect();
        reader.finish();
        let problems = report.take();
        if problems.is_empty() { Ok(rules) } else { Err(problems) }
    }
}

fn read_rule(file: &str, r: Reader<'_, '_>) -> RuleText {
    let rule = RuleText {
        file: file.into(),
        line: r.line("when"),
        id: r.text("id"),
        enterprise: r.text("enterprise"),
        tag: r.text("tag"),
        when: r.text("when"),
        priority: r.number("priority", 2.0, 1.0..=5.0) as u8,
        on_delay_s: r.number("on_delay_s", 0.0, 0.0..=86_400.0),
        off_delay_s: r.number("off_delay_s", 0.0, 0.0..=86_400.0),
        latch: r.opt_bool("latch").unwrap_or(false),
        bridge: r.opt_bool("bridge").unwrap_or(true),
        class: r.opt_text("class").unwrap_or_else(|| "process".into()),
        message_zh: r.text("message_zh"),
        message_en: r.text("message_en"),
    };
    r.finish();
    rule
}
