//! The layout of a rule set in flat arrays: cells sorted by tag, limits first, so that a reading touches few cache lines.

use std::collections::HashMap;

use alarm::{Condition, ConditionKind, GapPolicy, OnUnknown, Process, RuleSet};

use crate::clock::{DETECTORS, NOT_QUIET, REORDER, RETIRED, TagState};

/// A condition in the hot path: 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// Limit; negated for low limits, so that "violated" is always `x >= limit`.
    pub limit: f64,
    /// The value it must come back to, negated likewise.
    pub clear: f64,
    /// Condition number.
    pub condition: u32,
    /// Its delays and policies, shared.
    pub params: u32,
    /// Its running state, if it has any; else `NO_SLOT`.
    pub slot: u32,
    /// Process region.
    pub process: Process,
    /// Low limit: compare the negated value.
    pub low: bool,
    /// Bits below.
    pub flags: u8,
}

pub(crate) const NO_SLOT: u32 = u32::MAX;
/// Suppressed by design now.
pub(crate) const SUPPRESSED: u8 = 1;
/// Out of the rule files.
pub(crate) const CELL_RETIRED: u8 = 2;
/// Shelved now.
pub(crate) const SHELVED: u8 = 4;

/// What a condition does besides comparing; few distinct ones in a hall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Params {
    pub on_us: i64,
    pub off_us: i64,
    pub on_unknown: OnUnknown,
    pub gap: GapPolicy,
}

/// Static arrays made from one revision.
#[derive(Debug)]
pub(crate) struct Plan {
    pub cells: Vec<Cell>,
    pub params: Vec<Params>,
    /// Cell of each condition.
    pub cell_of: Vec<u32>,
}

impl Params {
    fn of(condition: &Condition) -> Self {
        Self {
            on_us: micros(condition.on_delay_s),
            off_us: micros(condition.off_delay_s),
            on_unknown: condition.on_unknown,
            gap: condition.gap,
        }
    }
}

/// Seconds to microseconds; negative and not-a-number read as 0.
pub(crate) fn micros(seconds: f64) -> i64 {
    (seconds.max(0.0) * 1e6) as i64
}

pub(crate) const fn is_limit(kind: &ConditionKind) -> bool {
    use ConditionKind as K;
    matches!(kind, K::High(_) | K::HighHigh(_) | K::Low(_) | K::LowLow(_))
}

fn cell_of(condition: &Condition, number: usize, params: u32) -> Cell {
    use ConditionKind as K;
    let band = condition.deadband.max(0.0);
    let (limit, clear, low) = match condition.kind {
        K::High(limit) | K::HighHigh(limit) => (limit, limit - band, false),
        K::Low(limit) | K::LowLow(limit) => (-limit, -(limit + band), true),
        _ => (f64::INFINITY, f64::NEG_INFINITY, false),
    };
    let flags = if condition.retired { CELL_RETIRED } else { 0 };
    Cell { limit, clear, condition: number as u32, params, slot: NO_SLOT, process: Process::Normal, low, flags }
}

impl Plan {
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let mut order: Vec<u32> = (0..rules.conditions.len() as u32).collect();
        order.sort_by_key(|&n| {
            let c = &rules.conditions[n as usize];
            (c.tag.0, !is_limit(&c.kind) || c.retired, n)
        });
        let mut interned: HashMap<Params, u32> = HashMap::new();
        let mut plan = Self {
            cells: Vec::with_capacity(order.len()),
            params: Vec::new(),
            cell_of: vec![0; rules.conditions.len()],
        };
        for number in order {
            let condition = &rules.conditions[number as usize];
            let params = Params::of(condition);
            let index = *interned.entry(params).or_insert_with(|| {
                plan.params.push(params);
                plan.params.len() as u32 - 1
            });
            plan.cell_of[number as usize] = plan.cells.len() as u32;
            plan.cells.push(cell_of(condition, number as usize, index));
        }
        plan
    }

    /// Writes each tag's range of cells and its setting bits.
    pub(crate) fn lay_out(&self, rules: &RuleSet, tags: &mut Vec<TagState>) {
        tags.resize(rules.tags.len().max(tags.len()), TagState::EMPTY);
        let mut at = 0;
        for (index, tag) in tags.iter_mut().enumerate() {
            while at < self.cells.len() && (self.tag_of(rules, at) as usize) < index {
                at += 1;
            }
            tag.first = at as u32;
            tag.quiet = NOT_QUIET;
            tag.limits = (at..self.cells.len())
                .take_while(|&c| self.tag_of(rules, c) as usize == index && self.is_hot(rules, c))
                .take(255)
                .count() as u8;
            if let Some(settings) = rules.tags.get(index) {
                let detectors =
                    settings.span.is_some() || settings.stuck.is_some() || settings.rate_max_per_s.is_some();
                tag.set(DETECTORS, detectors);
                tag.set(RETIRED, settings.retired);
                tag.set(REORDER, settings.reorder_s > 0.0);
            }
        }
    }

    fn tag_of(&self, rules: &RuleSet, cell: usize) -> u32 {
        rules.conditions[self.cells[cell].condition as usize].tag.0
    }

    fn is_hot(&self, rules: &RuleSet, cell: usize) -> bool {
        let condition = &rules.conditions[self.cells[cell].condition as usize];
        is_limit(&condition.kind) && !condition.retired
    }
}
