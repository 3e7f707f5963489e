//! What a party does next with an order, and after how long. Pure.

/// How a party behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// Acknowledges, goes, reports, finishes.
    Prompt,
    /// The same, but only after the first reminder.
    Slow,
    /// Refuses orders with a reason.
    Refuses,
    /// Never answers, neither orders nor calls.
    Silent,
}

/// What a party knows about an order of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// State of the order.
    pub state: String,
    /// It was reminded at least once.
    pub reminded: bool,
    /// It said that it arrived.
    pub arrived: bool,
    /// How often it reported since.
    pub reports: u32,
}

/// One thing a party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Deliver,
    Acknowledge,
    Reject,
    Start,
    Arrive,
    Feedback,
    Complete,
    /// Of a roll-call.
    Answer,
}

/// Reports before an order is finished.
const REPORTS: u32 = 2;

/// The next act on an order; none: the party waits or has nothing to do any more.
pub(crate) fn next(temper: Temper, sight: &Sight) -> Option<Act> {
    use Act::*;
    match (sight.state.as_str(), temper) {
        (_, Temper::Silent) => None,
        ("issued", _) => Some(Deliver),
        ("delivered", Temper::Refuses) => Some(Reject),
        ("delivered", Temper::Slow) if !sight.reminded => None,
        ("delivered", _) => Some(Acknowledge),
        ("acknowledged", _) => Some(Start),
        ("in_progress", _) if !sight.arrived => Some(Arrive),
        ("in_progress", _) if sight.reports < REPORTS => Some(Feedback),
        ("in_progress", _) => Some(Complete),
        _ => None,
    }
}

impl Act {
    /// Word of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Acknowledge => "acknowledge",
            Self::Reject => "reject",
            Self::Start => "start",
            Self::Arrive => "arrive",
            Self::Feedback => "feedback",
            Self::Complete => "complete",
            Self::Answer => "answer",
        }
    }

    /// Seconds until a person has done it; `r` from 0 to 1 spreads them.
    pub fn delay_s(self, r: f64) -> f64 {
        let (least, most) = match self {
            Self::Deliver => (0.5, 2.0),
            Self::Acknowledge => (4.0, 12.0),
            Self::Reject => (8.0, 16.0),
            Self::Start => (4.0, 10.0),
            Self::Arrive => (8.0, 20.0),
            Self::Feedback => (10.0, 20.0),
            Self::Complete => (15.0, 30.0),
            Self::Answer => (3.0, 20.0),
        };
        least + (most - least) * r.clamp(0.0, 1.0)
    }

    /// What the party writes.
    pub fn note(self, reports: u32) -> &'static str {
        match self {
            Self::Deliver | Self::Acknowledge => "",
            Self::Reject => "车辆检修、人员不足，无法出动，请改派",
            Self::Start => "已出动",
            Self::Arrive => "已到场，开始处置",
            Self::Feedback if reports == 0 => "现场可控，正在侦检，无人员被困，见照片",
            Self::Feedback => "泄漏点已控制，浓度下降，继续监护，见照片",
            Self::Complete => "处置完毕，现场移交单位看护",
            Self::Answer => "在岗，一切正常",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(state: &str, reminded: bool, arrived: bool, reports: u32) -> Sight {
        Sight { state: state.into(), reminded, arrived, reports }
    }

    /// The acts of a party on one order, until it waits.
    #[track_caller]
    fn check(temper: Temper, reminded: bool, acts: &[Act]) {
        let mut seen = Vec::new();
        let mut now = sight("issued", reminded, false, 0);
        while let Some(act) = next(temper, &now) {
            seen.push(act);
            match act {
                Act::Deliver => now.state = "delivered".into(),
                Act::Acknowledge => now.state = "acknowledged".into(),
                Act::Reject => now.state = "rejected".into(),
                Act::Start => now.state = "in_progress".into(),
                Act::Arrive => now.arrived = true,
                Act::Feedback => now.reports += 1,
                Act::Complete | Act::Answer => now.state = "done".into(),
            }
        }
        assert_eq!(seen, acts, "{temper:?}");
    }

    #[test]
    fn each_temper_has_its_way_with_an_order() {
        use Act::*;
        let whole = [Deliver, Acknowledge, Start, Arrive, Feedback, Feedback, Complete];
        check(Temper::Prompt, false, &whole);
        check(Temper::Slow, false, &[Deliver]);
        check(Temper::Slow, true, &whole);
        check(Temper::Refuses, false, &[Deliver, Reject]);
        check(Temper::Silent, true, &[]);
    }

    #[test]
    fn ended_orders_are_left_alone() {
        for state in ["done", "verified", "closed", "revoked", "reassigned", "rejected", "draft"] {
            assert_eq!(next(Temper::Prompt, &sight(state, true, true, 9)), None, "{state}");
        }
    }

    #[test]
    fn refusals_and_reports_say_something_and_delays_are_a_persons() {
        for act in [Act::Reject, Act::Feedback, Act::Arrive, Act::Complete, Act::Answer] {
            assert!(!act.note(0).is_empty(), "{act:?}");
            assert!(act.delay_s(0.0) > 1.0 && act.delay_s(1.0) <= 60.0 && act.delay_s(7.0) <= 60.0, "{act:?}");
        }
    }
}
