//! The layout of a rule set in flat arrays: cells sorted by tag, limits first, so that a reading touches few cache lines.

use std::collections::HashMap;

use alarm::{Condition, ConditionKind, GapPolicy, OnUnknown, Process, RuleSet};

use alarm::rule::Input;

use crate::clock::{DEPENDENTS, DETECTORS, NOT_QUIET, REORDER, RETIRED, TagState};
use crate::evaluate::{Rule, bodies};

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
    /// Expressions, rates and suppressions, in the order of their conditions.
    pub rules: Vec<Rule>,
    /// Windows that the rules need: `(tag, length)`, sorted.
    pub windows: Vec<(u32, i64)>,
    /// By tag: where its part of `rule_list` begins; one more at the end.
    rule_first: Vec<u32>,
    pub rule_list: Vec<u32>,
    window_first: Vec<u32>,
    pub window_list: Vec<u32>,
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

/// Limits first, then what every reading that is not quiet must look at, then the rest.
const fn rank(condition: &Condition) -> u8 {
    use ConditionKind as K;
    match condition.kind {
        _ if condition.retired => 2,
        K::OutOfRange | K::Unknown => 1,
        _ => 2 * !is_limit(&condition.kind) as u8,
    }
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
            (c.tag.0, rank(c), n)
        });
        let mut interned: HashMap<Params, u32> = HashMap::new();
        let mut plan = Self {
            cells: Vec::with_capacity(order.len()),
            params: Vec::new(),
            cell_of: vec![0; rules.conditions.len()],
            rules: Vec::new(),
            windows: Vec::new(),
            rule_first: Vec::new(),
            rule_list: Vec::new(),
            window_first: Vec::new(),
            window_list: Vec::new(),
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
        plan.lay_out_rules(rules);
        plan
    }

    /// Rules, the windows they need, and who depends on which tag, as compressed rows.
    fn lay_out_rules(&mut self, rules: &RuleSet) {
        for (number, condition) in rules.conditions.iter().enumerate().filter(|(_, c)| !c.retired) {
            for (role, body) in bodies(condition) {
                let cell = self.cell_of[number];
                let condition = number as u32;
                let mut rule = Rule { cell, condition, role, body, windows: vec![], many_tags: false, timed: false };
                let inputs = rule.inputs();
                let many_tags = inputs.windows(2).any(|pair| pair[0].tag != pair[1].tag);
                let timed = inputs.iter().any(|i| i.read.is_timed());
                self.windows.extend(inputs.iter().filter_map(|i| Some((i.tag.0, i.read.window_us()?))));
                (rule.many_tags, rule.timed) = (many_tags, timed);
                self.rules.push(rule);
            }
        }
        self.windows.sort_unstable();
        self.windows.dedup();
        for rule in &mut self.rules {
            let find = |i: &Input| i.read.window_us().and_then(|us| self.windows.binary_search(&(i.tag.0, us)).ok());
            rule.windows = rule.inputs().iter().map(|i| find(i).map_or(u32::MAX, |w| w as u32)).collect();
        }
        self.lay_out_dependents(rules.tags.len());
    }

    fn lay_out_dependents(&mut self, tags: usize) {
        let mut by_rule: Vec<(u32, u32)> = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            by_rule.extend(rule.inputs().iter().map(|i| (i.tag.0, index as u32)));
        }
        let by_window = self.windows.iter().enumerate().map(|(i, w)| (w.0, i as u32)).collect();
        (self.rule_first, self.rule_list) = rows(by_rule, tags);
        (self.window_first, self.window_list) = rows(by_window, tags);
    }

    /// Where the rules that read a tag stand in `rule_list`.
    pub(crate) fn rules_of(&self, tag: u32) -> std::ops::Range<usize> {
        row(&self.rule_first, tag)
    }

    /// Where the windows of a tag stand in `window_list`.
    pub(crate) fn windows_of(&self, tag: u32) -> std::ops::Range<usize> {
        row(&self.window_first, tag)
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
            let count = |most: u8| {
                let wanted = |&c: &usize| self.tag_of(rules, c) as usize == index && self.rank_of(rules, c) <= most;
                (at..self.cells.len()).take_while(wanted).take(255).count() as u8
            };
            (tag.limits, tag.watched) = (count(0), count(1));
            if let Some(settings) = rules.tags.get(index) {
                tag.set(DETECTORS, settings.stuck.is_some() || settings.rate_max_per_s.is_some());
                tag.set(DEPENDENTS, !self.rules_of(index as u32).is_empty());
                tag.set(RETIRED, settings.retired);
                tag.set(REORDER, settings.reorder_s > 0.0);
            }
        }
    }

    fn tag_of(&self, rules: &RuleSet, cell: usize) -> u32 {
        rules.conditions[self.cells[cell].condition as usize].tag.0
    }

    fn rank_of(&self, rules: &RuleSet, cell: usize) -> u8 {
        rank(&rules.conditions[self.cells[cell].condition as usize])
    }
}

/// Compressed rows from pairs: where each row begins, and the entries.
fn rows(mut pairs: Vec<(u32, u32)>, rows: usize) -> (Vec<u32>, Vec<u32>) {
    pairs.sort_unstable();
    pairs.dedup();
    pairs.retain(|p| (p.0 as usize) < rows);
    if pairs.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let first = (0..=rows as u32).map(|row| pairs.partition_point(|p| p.0 < row) as u32).collect();
    (first, pairs.into_iter().map(|p| p.1).collect())
}

fn row(first: &[u32], row: u32) -> std::ops::Range<usize> {
    match first.get(row as usize..row as usize + 2) {
        Some(&[from, to]) => from as usize..to as usize,
        _ => 0..0,
    }
}
