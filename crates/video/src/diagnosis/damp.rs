//! Flapping damped: a condition is raised after looks that agree, stands for a while, and ends after looks that agree.

use std::collections::BTreeMap;

use super::Condition;
use super::thresholds::Thresholds;

/// A condition began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub condition: Condition,
    /// Began; else ended.
    pub active: bool,
    /// When.
    pub at: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Life {
    since: Option<i64>,
    /// Looks in succession that contradict what stands.
    against: u32,
}

/// The conditions of one camera.
#[derive(Clone, Debug, Default)]
pub(super) struct Damp(BTreeMap<Condition, Life>);

impl Damp {
    /// One look says whether it sees a condition.
    pub fn judge(&mut self, now: i64, condition: Condition, seen: bool, t: &Thresholds) -> Option<Change> {
        let life = self.0.entry(condition).or_default();
        life.against = if seen == life.since.is_some() { 0 } else { life.against + 1 };
        let turns = match life.since {
            None => life.against >= t.raise_looks,
            Some(since) => life.against >= t.clear_looks && now - since >= (t.hold_s * 1e6) as i64,
        };
        turns.then(|| life.turn(now, condition))
    }

    /// Silence needs no second look.
    pub fn silence(&mut self, now: i64, silent: bool) -> Option<Change> {
        let life = self.0.entry(Condition::Stalled).or_default();
        (silent != life.since.is_some()).then(|| life.turn(now, Condition::Stalled))
    }

    /// Nothing stands and nothing is about to.
    pub fn quiet(&self) -> bool {
        self.0.values().all(|l| l.since.is_none() && l.against == 0)
    }

    /// Looks contradict what stands: one more may change it.
    pub fn pending(&self) -> bool {
        self.0.values().any(|l| l.against > 0)
    }

    pub fn active(&self) -> Vec<Condition> {
        self.0.iter().filter(|(_, l)| l.since.is_some()).map(|(c, _)| *c).collect()
    }
}

impl Life {
    fn turn(&mut self, now: i64, condition: Condition) -> Change {
        self.against = 0;
        self.since = if self.since.is_some() { None } else { Some(now) };
        Change { condition, active: self.since.is_some(), at: now }
    }
}

#[cfg(test)]
mod tests {
    use super::super::THRESHOLDS;
    use super::*;

    /// `x` seen, `.` not, a look each ten seconds; `+` raised, `-` ended.
    #[track_caller]
    fn check(looks: &str, changes: &str) {
        let mut damp = Damp::default();
        let each = |(i, look): (usize, u8)| {
            let change = damp.judge(i as i64 * 10_000_000, Condition::Black, look == b'x', &THRESHOLDS);
            change.map_or(' ', |c| if c.active { '+' } else { '-' })
        };
        let said: String = looks.bytes().enumerate().map(each).collect();
        assert_eq!(said.trim_end(), changes, "looks {looks}");
    }

    #[test]
    fn one_odd_look_is_none() {
        check("..x..xx..x", "");
    }

    #[test]
    fn it_stands_for_a_minute_and_flapping_is_one_alarm() {
        check("xxx......", "  +     -");
        check("xxx.x.x.x.x.x...", "  +            -");
    }
}
