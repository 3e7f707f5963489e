//! Conditions that are expressions, rates and suppressions: who depends on a tag, and evaluating them.

use alarm::rule::{Input, Program, Read, Truth};
use alarm::{Cause, ConditionKind, Instants, Verdict};
use model::{Quality, Time};

use crate::Effects;
use crate::clock::{GAP, STALE, TagState};
use crate::deadline::Due;
use crate::engine::{Engine, Moment};
use crate::episode::NEVER;
use crate::plan::SUPPRESSED;
use crate::window::BUCKETS;

/// What a rule's truth decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Whether the condition is violated.
    Condition,
    /// Whether the condition is suppressed by design.
    Suppression,
}

/// What is evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Program(Program),
    /// Rate of change: limit per second, and how far it must come back.
    Rate {
        input: Input,
        per_s: f64,
        band: f64,
    },
}

/// A rule with its inputs resolved.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub cell: u32,
    pub condition: u32,
    pub role: Role,
    pub body: Body,
    /// Window of each input; `u32::MAX`: none.
    pub windows: Vec<u32>,
    /// More than one tag: only our clock is common to them.
    pub many_tags: bool,
    /// Time alone can change it.
    pub timed: bool,
}

impl Rule {
    pub(crate) fn inputs(&self) -> &[Input] {
        match &self.body {
            Body::Program(program) => program.inputs(),
            Body::Rate { input, .. } => std::slice::from_ref(input),
        }
    }
}

/// Time-dependent rules are looked at no more often than this, and no less.
const GRID_US: std::ops::RangeInclusive<i64> = 1_000_000..=60_000_000;
/// An age is followed for a day; after that only a new reading changes the rule.
const AGE_HORIZON_US: i64 = 86_400_000_000;

impl Engine {
    /// A tag has a new value, or its data was lost: its windows and the rules that read it.
    pub(crate) fn evaluate_dependents(&mut self, tag: u32, sampled: bool, moment: &Moment, out: &mut Effects) {
        let Some(state) = self.tags.get(tag as usize).copied() else { return };
        if sampled && state.quality != Quality::Bad as u8 && !moment.suspect {
            for at in self.plan.windows_of(tag) {
                let window = self.plan.window_list[at] as usize;
                self.windows[window].add(state.effective, state.value);
            }
        }
        for at in self.plan.rules_of(tag) {
            let rule = self.plan.rule_list[at];
            self.evaluate(rule, Some(tag), moment, out);
            self.arm_evaluation(rule, moment.at.received);
        }
    }

    /// Evaluates one rule; `by` is the tag whose reading asks for it.
    fn evaluate(&mut self, index: u32, by: Option<u32>, moment: &Moment, out: &mut Effects) {
        let rule = &self.plan.rules[index as usize];
        let (cell, condition, role, many) = (rule.cell, rule.condition, rule.role, rule.many_tags);
        let verdict = self.verdict(index, moment.at.received);
        if role == Role::Suppression {
            return self.suppress(cell, verdict, moment, out);
        }
        let primary = self.rules.conditions[condition as usize].tag.0;
        let mut moment = *moment;
        if many {
            moment.at.effective = moment.at.received;
        }
        moment.gap &= by == Some(primary);
        let verdict = if moment.suspect { Verdict::Unknown } else { verdict };
        self.sample(cell, (verdict, self.tag_state(condition).value), &moment, out);
    }

    /// What a rule says at a time of our clock.
    pub(crate) fn verdict(&self, index: u32, now: Time) -> Verdict {
        let rule = &self.plan.rules[index as usize];
        match &rule.body {
            Body::Program(program) => {
                let mut windows = rule.windows.iter();
                let read = |input: &Input| self.input(input, windows.next().copied().unwrap_or(u32::MAX), now);
                match program.evaluate(read) {
                    Truth::True => Verdict::Violated,
                    Truth::False => Verdict::Cleared,
                    Truth::Unknown => Verdict::Unknown,
                }
            }
            Body::Rate { input, per_s, band } => {
                let rate = self.input(input, rule.windows[0], now);
                let sign = if *per_s < 0.0 { -1.0 } else { 1.0 };
                rate_verdict(rate * sign, per_s * sign, *band)
            }
        }
    }

    /// One input at a time of our clock; unknown if the tag's data is bad, stale or was never there.
    #[inline]
    fn input(&self, input: &Input, window: u32, now: Time) -> f64 {
        let Some(tag) = self.tags.get(input.tag.0 as usize).filter(|t| t.is_known()) else {
            return if input.read == Read::Stale { 1.0 } else { f64::NAN };
        };
        let usable = tag.quality != Quality::Bad as u8 && !tag.has(STALE);
        match input.read {
            Read::Value if usable => tag.value,
            Read::Value => f64::NAN,
            Read::Age => now.since_us(tag.received) as f64 / 1e6,
            Read::Stale => f64::from(u8::from(tag.has(STALE))),
            Read::Quality => f64::from(tag.quality),
            read => self.windows.get(window as usize).map_or(f64::NAN, |w| w.read(read, projected(tag, now))),
        }
    }

    /// Suppression by design begins or ends; unknown keeps what was.
    fn suppress(&mut self, index: u32, verdict: Verdict, moment: &Moment, out: &mut Effects) {
        let cell = self.plan.cells[index as usize];
        let on = match verdict {
            Verdict::Violated => true,
            Verdict::Cleared | Verdict::Between => false,
            Verdict::Unknown => return,
        };
        if on == (cell.flags & SUPPRESSED != 0) {
            return;
        }
        let ids = self.open_of(cell.condition);
        let before: Vec<_> = ids.iter().map(|&id| self.shown(id)).collect();
        self.plan.cells[index as usize].flags ^= SUPPRESSED;
        let cause = if on { Cause::Suppressed } else { Cause::Unsuppressed };
        for (id, from) in ids.into_iter().zip(before) {
            self.tell_again((id, from), cause, *moment, out);
        }
    }

    /// Puts the next look at a time-dependent rule on the heap.
    pub(crate) fn arm_evaluation(&mut self, index: u32, after: Time) {
        if !self.plan.rules[index as usize].timed || self.rule_due[index as usize] != NEVER {
            return;
        }
        if let Some(due) = self.next_look(index, after) {
            self.rule_due[index as usize] = due;
            self.deadlines.push(due, Due::Evaluate(index));
        }
    }

    /// The next time on the rule's grid, while any of its inputs can still change by time alone.
    fn next_look(&self, index: u32, after: Time) -> Option<Time> {
        let step = |input: &Input| {
            let tag = self.tags.get(input.tag.0 as usize).filter(|t| t.is_known())?;
            let quiet_us = after.since_us(tag.received);
            let (step, horizon) = match input.read.window_us() {
                Some(length) => (length / BUCKETS, length + length / BUCKETS + GRID_US.start()),
                None if input.read == Read::Age => (quiet_us / BUCKETS, AGE_HORIZON_US),
                None => return None,
            };
            (quiet_us <= horizon).then(|| step.clamp(*GRID_US.start(), *GRID_US.end()))
        };
        let step = self.plan.rules[index as usize].inputs().iter().filter_map(step).min()?;
        Some(Time((after.0.div_euclid(step) + 1).saturating_mul(step)))
    }

    pub(crate) fn evaluate_due(&mut self, index: u32, at: Time, now: Time, out: &mut Effects) {
        if self.rule_due.get(index as usize) != Some(&at) {
            return;
        }
        self.rule_due[index as usize] = NEVER;
        let condition = self.plan.rules[index as usize].condition;
        let tag = self.tag_state(condition);
        let moment = Moment {
            at: Instants { effective: projected(&tag, at), received: at },
            fresh: !tag.has(GAP | STALE),
            ..Moment::at(now, at)
        };
        self.evaluate(index, None, &moment, out);
        self.arm_evaluation(index, at);
    }

    /// The rule that decides a condition, if it is not a plain limit.
    pub(crate) fn rule_of(&self, condition: u32) -> Option<u32> {
        let decides = |r: &Rule| r.condition == condition && r.role == Role::Condition;
        let first = self.plan.rules.partition_point(|r| r.condition < condition);
        self.plan.rules[first..].iter().take(2).position(decides).map(|i| (first + i) as u32)
    }
}

/// A time of our clock on the device's clock, from its last reading on.
pub(crate) const fn projected(tag: &TagState, now: Time) -> Time {
    tag.effective.plus_us(now.since_us(tag.received))
}

fn rate_verdict(rate: f64, limit: f64, band: f64) -> Verdict {
    if rate.is_nan() {
        Verdict::Unknown
    } else if rate >= limit {
        Verdict::Violated
    } else if rate <= limit - band {
        Verdict::Cleared
    } else {
        Verdict::Between
    }
}

/// The rules of a condition, in the order of their roles.
pub(crate) fn bodies(condition: &alarm::Condition) -> Vec<(Role, Body)> {
    let decides = match &condition.kind {
        ConditionKind::Expression(program) | ConditionKind::Inconsistent(program) => {
            Some(Body::Program(program.clone()))
        }
        ConditionKind::Rate { per_s, window_s } => {
            let length = crate::plan::micros(window_s.clamp(1.0, 86_400.0));
            let input = Input { tag: condition.tag, read: Read::Rate(length) };
            Some(Body::Rate { input, per_s: *per_s, band: condition.deadband.max(0.0) })
        }
        _ => None,
    };
    let suppresses = condition.suppress_when.clone().map(Body::Program);
    let decides = decides.map(|b| (Role::Condition, b));
    decides.into_iter().chain(suppresses.map(|b| (Role::Suppression, b))).collect()
}
