//! The conditions of one tag: its limits, and what watches the measuring itself.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use alarm::rule::Program;
use alarm::{Condition, ConditionKind, EscalationStep, GapPolicy, OnUnknown};
use model::{Priority, TagIndex};

use crate::{Site, TagText};

/// One tag's text with where it stands, for making its conditions.
pub(crate) struct Base<'a> {
    pub site: &'a Site,
    pub tag: &'a TagText,
    pub index: TagIndex,
    pub suppress: Option<Program>,
    pub shared: &'a Shared,
}

impl Base<'_> {
    pub(crate) fn limits(&self) -> impl Iterator<Item = Condition> {
        let l = self.tag.limits;
        let p = self.tag.priorities;
        let levels = [
            (l.ll.map(ConditionKind::LowLow), "ll", p[0], "低低限", "low-low"),
            (l.l.map(ConditionKind::Low), "l", p[1], "低限", "low"),
            (l.h.map(ConditionKind::High), "h", p[2], "高限", "high"),
            (l.hh.map(ConditionKind::HighHigh), "hh", p[3], "高高限", "high-high"),
        ];
        let limits = levels.into_iter().filter_map(|(kind, level, p, zh, en)| {
            let text = (format!("{}越{zh}", self.tag.description_zh), format!("{} {en}", self.tag.description_en));
            Some(self.condition(level, kind?, priority(p), text))
        });
        limits.chain(self.rate())
    }

    fn rate(&self) -> Option<Condition> {
        let (per_s, window_s, p) = self.tag.rate?;
        let text =
            (format!("{}变化过快", self.tag.description_zh), format!("{} changes too fast", self.tag.description_en));
        Some(self.condition("rate", ConditionKind::Rate { per_s, window_s }, priority(p), text))
    }

    /// About the measuring system: no latch, no suppression, held against the device and not the process.
    pub(crate) fn diagnostics(&self) -> impl Iterator<Item = Condition> {
        let tag = self.tag;
        let kinds = [
            (tag.period_s.map(|_| ConditionKind::Stale), "stale", "数据中断", "no data"),
            (tag.stuck.map(|_| ConditionKind::Stuck), "stuck", "数值停滞", "value is stuck"),
            (tag.span.map(|_| ConditionKind::OutOfRange), "out_of_range", "超出量程", "outside the span"),
        ];
        kinds.into_iter().filter_map(|(kind, level, zh, en)| {
            let text = (format!("{}{zh}", tag.description_zh), format!("{} {en}", tag.description_en));
            Some(self.diagnostic(level, kind?, text))
        })
    }

    /// Second level without the first: perhaps the sensor, perhaps the danger (A8). People are told; no alarm is held back.
    pub(crate) fn inconsistent(&self, program: Program, delay_s: f64) -> Condition {
        let tag = self.tag;
        let text = (
            format!("{}：二级报警而一级未报，疑似传感器故障", tag.description_zh),
            format!("{}: level 2 without level 1, sensor fault suspected", tag.description_en),
        );
        let mut condition = self.diagnostic("inconsistent", ConditionKind::Inconsistent(program), text);
        condition.on_delay_s = delay_s;
        condition
    }

    fn diagnostic(&self, level: &str, kind: ConditionKind, text: (String, String)) -> Condition {
        let mut condition = self.condition(level, kind, Priority::Diagnostic, text);
        condition.on_delay_s = 0.0;
        condition.off_delay_s = 0.0;
        condition.deadband = 0.0;
        condition.latch = false;
        condition.on_unknown = OnUnknown::Hold;
        condition.suppress_when = None;
        condition.escalation = Vec::new();
        condition.class = self.shared.text("sensor-fault");
        condition
    }

    fn condition(&self, level: &str, kind: ConditionKind, priority: Priority, text: (String, String)) -> Condition {
        let (tag, enterprise) = (self.tag, &self.site.enterprise.id);
        let group = if tag.unit_id.is_empty() { enterprise.clone() } else { format!("{enterprise}/{}", tag.unit_id) };
        Condition {
            key: format!("{enterprise}/{}/{level}", tag.tag).into(),
            tag: self.index,
            kind,
            priority,
            on_delay_s: tag.on_delay_s,
            off_delay_s: tag.off_delay_s,
            deadband: tag.deadband,
            latch: tag.latch,
            on_unknown: tag.on_unknown,
            gap: GapPolicy::Bridge,
            suppress_when: self.suppress.clone(),
            escalation: tag
                .escalation
                .iter()
                .map(|(after_s, to)| EscalationStep { after_s: *after_s, to: to.as_str().into() })
                .collect(),
            message_zh: self.shared.text(&text.0),
            message_en: self.shared.text(&text.1),
            group: self.shared.text(&group),
            class: self.shared.text(&tag.class),
            retired: false,
        }
    }
}

/// Equal texts kept once: a district has 100,000 tags but few units, classes and messages.
#[derive(Default)]
pub(crate) struct Shared(RefCell<HashSet<Arc<str>>>);

impl Shared {
    pub(crate) fn text(&self, text: &str) -> Arc<str> {
        let mut known = self.0.borrow_mut();
        if let Some(found) = known.get(text) {
            return found.clone();
        }
        let new: Arc<str> = text.into();
        known.insert(new.clone());
        new
    }
}

pub(crate) fn priority(n: u8) -> Priority {
    Priority::try_from(n).unwrap_or(Priority::Diagnostic)
}
