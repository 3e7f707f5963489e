//! Numbers that hold where no profile file says otherwise. Confidence as in the field's register: V, S, K or G.

use crate::ProfileValue;

/// A built-in number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuiltIn {
    /// Key.
    pub key: &'static str,
    /// Number.
    pub value: f64,
    /// `s`, `d` or `count`.
    pub unit: &'static str,
    /// `V`, `S`, `K`, `G`.
    pub confidence: &'static str,
    /// What it means, or the article.
    pub article: &'static str,
}

const fn own(key: &'static str, value: f64, unit: &'static str, article: &'static str) -> BuiltIn {
    BuiltIn { key, value, unit, confidence: "G", article }
}

const fn law(key: &'static str, value: f64, unit: &'static str, article: &'static str) -> BuiltIn {
    BuiltIn { key, value, unit, confidence: "V", article }
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;

/// Every key the flows read.
pub const BUILT_IN: &[BuiltIn] = &[
    own("order.ack.I", MINUTE, "s", "acknowledge an order of priority I"),
    own("order.ack.II", 2.0 * MINUTE, "s", "acknowledge an order of priority II"),
    own("order.ack.III", 5.0 * MINUTE, "s", "acknowledge an order of priority III"),
    own("order.ack.IV", 10.0 * MINUTE, "s", "acknowledge an order of priority IV"),
    own("order.ack.V", 30.0 * MINUTE, "s", "acknowledge an order about the measuring system"),
    own("order.feedback.I", 10.0 * MINUTE, "s", "first and each later feedback, priority I"),
    own("order.feedback.II", 15.0 * MINUTE, "s", "first and each later feedback, priority II"),
    own("order.feedback.III", 30.0 * MINUTE, "s", "first and each later feedback, priority III"),
    own("order.feedback.IV", HOUR, "s", "first and each later feedback, priority IV"),
    own("order.feedback.V", 2.0 * HOUR, "s", "first and each later feedback about the measuring system"),
    own("order.complete.I", 2.0 * HOUR, "s", "complete an order of priority I"),
    own("order.complete.II", 4.0 * HOUR, "s", "complete an order of priority II"),
    own("order.complete.III", 8.0 * HOUR, "s", "complete an order of priority III"),
    own("order.complete.IV", DAY, "s", "complete an order of priority IV"),
    own("order.complete.V", 3.0 * DAY, "s", "complete an order about the measuring system"),
    own("order.remind", MINUTE, "s", "between the two reminders"),
    own("order.superior", MINUTE, "s", "from the second reminder to the superior"),
    own("order.reassign", MINUTE, "s", "from the superior to a substitute"),
    own("ladder.overdue", 10.0 * MINUTE, "s", "from a reminder to being told as overdue"),
    own("hidden_danger.verify", DAY, "s", "verify a report"),
    own("hidden_danger.due.general", 15.0 * DAY, "s", "rectify a general hidden danger"),
    own("hidden_danger.due.major", 30.0 * DAY, "s", "rectify a major hidden danger"),
    own("hidden_danger.recheck", 3.0 * DAY, "s", "recheck after completion"),
    own("hidden_danger.urge", DAY, "s", "from overdue to the second reminder"),
    own("hidden_danger.summon", 3.0 * DAY, "s", "from the reminder to summoning and circular (约谈/通报)"),
    own("hidden_danger.file_case", 7.0 * DAY, "s", "from summoning to filing a case (立案)"),
    own("hidden_danger.extensions", 2.0, "count", "extensions granted at most"),
    own("hidden_danger.recurrence", 90.0, "d", "a closed item whose tag alarms within this is a recurrence"),
    own("incident.verify", 10.0 * MINUTE, "s", "verify a reported accident"),
    own("lesson.due", 30.0 * DAY, "s", "carry out a lesson"),
    own("handover.relief_before", 10.0 * MINUTE, "s", "the relief arrives before the shift"),
    own("handover.sign", 30.0 * MINUTE, "s", "sign a hand-over"),
    own("shift.take", 5.0 * MINUTE, "s", "take the watch after its beginning"),
    own("swap.approve", 12.0 * HOUR, "s", "decide on a swap"),
    own("vigilance.prompt", 3.0 * MINUTE, "s", "open red alarm without operator input"),
    own("vigilance.leader", 2.0 * MINUTE, "s", "from the prompt to the leader"),
    own("roll_call.answer", 30.0, "s", "answer the first call"),
    own("roll_call.second", 25.0, "s", "answer the second call"),
    law("drill.every.government", 730.0, "d", "Order 708 Art. 8: governments at least once in two years"),
    law(
        "drill.every.enterprise",
        182.0,
        "d",
        "Order 708 Art. 8: hazardous and crowded places at least once in half a year",
    ),
    own("drill.remind", 14.0 * DAY, "s", "from overdue to the next reminder"),
    own("stamp.first_look", MINUTE, "s", "target from alarm to first look"),
    own("stamp.confirmed", 3.0 * MINUTE, "s", "target from first look to confirmed"),
    own("stamp.first_order", 2.0 * MINUTE, "s", "target from confirmed to first order"),
    own("stamp.first_arrival", 15.0 * MINUTE, "s", "target from first order to first arrival"),
];

/// The built-in number of a key.
pub fn built_in(key: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|b| b.key == key)
}

impl From<&BuiltIn> for ProfileValue {
    fn from(b: &BuiltIn) -> Self {
        let source = "built in".to_owned();
        let article = b.article.to_owned();
        Self { value: b.value, unit: b.unit.into(), source, confidence: b.confidence.into(), article }
    }
}
