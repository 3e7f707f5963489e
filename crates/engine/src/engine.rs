//! The engine: owns all state, takes one event at a time, and says what changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use alarm::{AlarmId, AlarmRecord, ConditionIndex, Instants, RuleSet, ShelveRequest, Shelving, Verdict};
use model::{Quality, Reading, TagIndex, Time};
use response::{Book, Item};

use crate::clock::{self, DEPENDENTS, DETECTORS, GAP, REORDER, RETIRED, STALE, STUCK, TagState, Timing};
use crate::command::{Keys, Service};
use crate::deadline::{Deadlines, Due};
use crate::episode::{Episodes, NEVER, Slots};
use crate::flood::Flood;
use crate::gateway::{GATEWAYS_MAX, Gateway};
use crate::plan::{Cell, Plan};
use crate::theatre::Theatre;
use crate::watch::Watch;
use crate::window::Window;
use crate::{Effects, Event, Tally};

/// The newest reading of a tag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastValue {
    /// Value, in the tag's unit.
    pub value: f64,
    /// Quality.
    pub quality: Quality,
    /// When the device says it was measured.
    pub source_time: Time,
    /// When its bytes reached us.
    pub server_time: Time,
    /// No reading for `stale_factor` periods.
    pub stale: bool,
}

/// How much an engine holds, and what it let go because a bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Conditions with running state.
    pub slots: usize,
    /// Episodes that are not closed.
    pub episodes: usize,
    /// Entries in the deadline heap, those that no longer apply included.
    pub deadlines: usize,
    /// Readings in reorder buffers.
    pub held: usize,
    /// Older episodes closed because a condition had too many.
    pub branches_overflowed: u64,
    /// Idempotency keys forgotten because there were too many.
    pub keys_forgotten: u64,
    /// Readings let out of a full reorder buffer before their time.
    pub reorder_overflowed: u64,
}

/// The decision maker of one shard: state plus one immutable rule set. No clock, no I/O, no randomness.
#[derive(Debug)]
pub struct Engine {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) plan: Plan,
    pub(crate) tags: Vec<TagState>,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) slots: Slots,
    pub(crate) episodes: Episodes,
    /// By condition.
    pub(crate) shelved: BTreeMap<u32, Shelving>,
    /// Open alarms of priority I that one person asked to shelve.
    pub(crate) shelve_requests: BTreeMap<AlarmId, ShelveRequest>,
    /// By tag.
    pub(crate) services: BTreeMap<u32, Service>,
    pub(crate) book: Book,
    /// When the heap's entry for the book comes up; `NEVER`: none that counts.
    pub(crate) work_armed: Time,
    /// What the drills' own engine sees.
    pub(crate) theatre: Theatre,
    /// This is the engine of a drill: it keeps no book.
    pub(crate) played: bool,
    pub(crate) deadlines: Deadlines,
    pub(crate) flood: Flood,
    pub(crate) keys: Keys,
    pub(crate) tally: Tally,
    /// By group: last raise and its rank.
    pub(crate) first_out: BTreeMap<Arc<str>, (Time, u32)>,
    pub(crate) watch: Watch,
    /// As in the plan.
    pub(crate) windows: Vec<Window>,
    /// By rule: when it is next looked at for time's sake; `NEVER`: not.
    pub(crate) rule_due: Vec<Time>,
    /// Restored under other rules than the snapshot's: what runs must be judged by the new ones.
    pub(crate) edited: bool,
    pub(crate) seq: u64,
    pub(crate) future_us: i64,
}

/// When and from what a decision is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The caller's time.
    pub now: Time,
    /// Both clocks of the deciding sample.
    pub at: Instants,
    /// Data may be trusted to be current: our clock may fire a delay.
    pub fresh: bool,
    /// A gap lies before this sample.
    pub gap: bool,
    /// From back-filled data.
    pub replayed: bool,
    /// From a late reading.
    pub late: bool,
    /// The value jumped and is not believed yet: conditions do not see it.
    pub suspect: bool,
    /// The diagnostic that explains it; 0: none.
    pub parent: u32,
}

impl Moment {
    /// A decision by our own clock alone.
    pub(crate) const fn at(now: Time, nominal: Time) -> Self {
        let at = Instants { effective: nominal, received: nominal };
        Self { now, at, fresh: true, gap: false, replayed: false, late: false, suspect: false, parent: 0 }
    }
}

/// A reading waits at most this long between its arrival and its step; another server time is a fault of the caller
/// and is replaced by `now`, so that no timer starts in a wrong year.
const ARRIVAL_US: u64 = 600_000_000;
/// Heap entries allowed besides a few per tag and condition.
const HEAP_SPARE: usize = 65_536;

impl Engine {
    /// An engine without history.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let plan = Plan::new(&rules);
        let windows = plan.windows.iter().map(|&(tag, length)| Window::new(tag, length)).collect();
        let rule_due = vec![NEVER; plan.rules.len()];
        let mut tags = Vec::new();
        plan.lay_out(&rules, &mut tags);
        Self {
            future_us: crate::plan::micros(rules.hall.future_s),
            rules,
            plan,
            tags,
            gateways: Vec::new(),
            slots: Slots::default(),
            episodes: Episodes::default(),
            shelved: BTreeMap::new(),
            shelve_requests: BTreeMap::new(),
            services: BTreeMap::new(),
            book: Book::default(),
            work_armed: NEVER,
            theatre: Theatre::default(),
            played: false,
            deadlines: Deadlines::default(),
            flood: Flood::default(),
            keys: Keys::default(),
            tally: Tally::default(),
            first_out: BTreeMap::new(),
            watch: Watch { grace_until: Time::MIN, ran_until: Time::MIN, ..Watch::default() },
            windows,
            rule_due,
            edited: false,
            seq: 0,
        }
    }

    /// Takes one event. Total: every event has an answer in every state. `now` must not go back between calls.
    /// Deadlines up to `now` are handled first, at their own times, so that it does not matter how often it is called.
    pub fn step(&mut self, now: Time, event: &Event, out: &mut Effects) {
        if let Event::Reading(reading) = event {
            return self.read(now, reading, out);
        }
        if let Event::Restarted { down_at, up_at } = event {
            // What fell due while the old process still lived is handled as it would have been; the rest had no timer.
            self.run_deadlines_until(*down_at.min(&now), now, out);
            self.restarted(now, *down_at, *up_at, out);
        }
        self.run_deadlines(now, out);
        match event {
            Event::Operator(command) => self.command(now, command, out),
            Event::Link(change) => self.link(now, change, out),
            Event::Rules(rules, actor) => {
                self.activate(now, rules, actor, out);
                self.rules_in_theatre(now, actor, out);
            }
            Event::Work(settings, _) => self.work_settings(now, settings, out),
            Event::Exercise(reading) => self.play(now, reading, out),
            Event::Restarted { .. } => self.in_theatre(now, event, out),
            Event::Reading(_) | Event::Tick => {}
        }
    }

    /// Takes one reading: the hot path of [`Engine::step`].
    #[inline]
    pub fn read(&mut self, now: Time, reading: &Reading, out: &mut Effects) {
        if self.deadlines.next() <= now {
            self.run_deadlines(now, out);
        }
        if now.0.wrapping_sub(reading.server_time.0) as u64 > ARRIVAL_US {
            let received = Reading { server_time: now, ..*reading };
            return self.read(now, &received, out);
        }
        self.gateway_slot(reading.gateway.0);
        let index = reading.tag.0 as usize;
        let Some(tag) = self.tags.get_mut(index) else {
            out.counts.ignored += 1;
            return;
        };
        if tag.has(RETIRED | REORDER) && self.read_aside(now, reading, out) {
            return;
        }
        self.judge_reading(now, reading, out);
    }

    /// Decides by the clocks what a reading is.
    #[inline]
    pub(crate) fn judge_reading(&mut self, now: Time, reading: &Reading, out: &mut Effects) {
        let from = &self.gateways[(reading.gateway.0 as usize).min(GATEWAYS_MAX - 1)];
        let at = clock::instants(from, reading, now, self.future_us);
        match clock::judge(&self.tags[reading.tag.0 as usize], reading, at) {
            Timing::Live => self.read_live(now, reading, at, out),
            Timing::Duplicate => out.counts.duplicate += 1,
            Timing::Late => self.read_late(now, reading, at, out),
        }
    }

    /// Evaluates a reading in order.
    #[inline]
    pub(crate) fn read_live(&mut self, now: Time, reading: &Reading, at: Instants, out: &mut Effects) {
        let index = reading.tag.0 as usize;
        let tag = &mut self.tags[index];
        let before = *tag;
        tag.accept(reading, at);
        let quiet = tag.is_quiet(reading.value) && reading.quality as u8 != Quality::Bad as u8;
        let gateway = &mut self.gateways[(reading.gateway.0 as usize).min(GATEWAYS_MAX - 1)];
        gateway.last_received = at.received;
        let plain = gateway.is_plain(reading, at);
        gateway.lag_us = if plain { at.received.since_us(reading.source_time) } else { gateway.lag_us };
        let mut moment = Moment { now, at, ..Moment::at(now, now) };
        out.counts.live += 1;
        const ODD: u16 = GAP | STALE | DETECTORS | STUCK;
        if before.has(ODD) || !plain || !before.is_known() || before.is_odd_counter(reading.seq) {
            self.prepare(reading, &before, &mut moment, out);
        }
        if moment.suspect {
            return;
        }
        if !quiet {
            self.judge_limits(reading, &moment, out);
        }
        if before.has(DEPENDENTS) {
            self.evaluate_dependents(reading.tag.0, true, &moment, out);
        }
    }

    /// A value that is not quiet: its range, then each limit.
    fn judge_limits(&mut self, reading: &Reading, moment: &Moment, out: &mut Effects) {
        let index = reading.tag.0 as usize;
        self.watch_range(reading, moment, out);
        let tag = &self.tags[index];
        let unknown = tag.quality == Quality::Bad as u8;
        for cell in tag.first as usize..tag.first as usize + tag.limits as usize {
            self.compare(cell, (reading.value, unknown), moment, out);
        }
        self.settle_quiet(index);
    }

    /// Compares a value with one limit; nearly always nothing follows.
    #[inline]
    fn compare(&mut self, index: usize, (value, unknown): (f64, bool), moment: &Moment, out: &mut Effects) {
        let cell = &self.plan.cells[index];
        let x = if cell.low { -value } else { value };
        let violated = x >= cell.limit;
        if !violated && !unknown && cell.process as u8 == 0 {
            return;
        }
        let verdict = if unknown {
            Verdict::Unknown
        } else if violated {
            Verdict::Violated
        } else if x <= cell.clear {
            Verdict::Cleared
        } else {
            Verdict::Between
        };
        self.sample(index as u32, (verdict, x), moment, out);
    }

    /// Works out between which values the limits of a tag have nothing to say.
    fn settle_quiet(&mut self, index: usize) {
        let tag = &mut self.tags[index];
        let cells = &self.plan.cells[tag.first as usize..tag.first as usize + tag.watched as usize];
        if cells.iter().any(|c| c.process as u8 != 0) {
            tag.quiet = clock::NOT_QUIET;
            return;
        }
        let above = |c: &Cell| if c.low { f64::INFINITY } else { c.limit };
        let below = |c: &Cell| if c.low { -c.limit } else { f64::NEG_INFINITY };
        let high = cells.iter().map(above).fold(f64::INFINITY, f64::min);
        let low = cells.iter().map(below).fold(f64::NEG_INFINITY, f64::max);
        let span = self.rules.tags.get(index).and_then(|t| t.span).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        tag.quiet = clock::inwards(low.max(span.0), high.min(span.1));
    }

    /// Makes a gateway's entry if it is new.
    #[inline]
    fn gateway_slot(&mut self, number: u32) {
        let index = (number as usize).min(GATEWAYS_MAX - 1);
        if index >= self.gateways.len() {
            self.gateways.resize(index + 1, Gateway::NEW);
        }
    }

    /// When `step(Tick)` is next needed.
    pub fn next_deadline(&self) -> Option<Time> {
        let heap = self.deadlines.next();
        (heap.0 != i64::MAX).then_some(heap)
    }

    /// The newest reading of a tag.
    pub fn last(&self, tag: TagIndex) -> Option<LastValue> {
        let state = self.tags.get(tag.0 as usize).filter(|t| t.is_known())?;
        Some(LastValue {
            value: state.value,
            quality: Quality::from_u8(state.quality),
            source_time: state.source,
            server_time: state.received,
            stale: state.has(STALE),
        })
    }

    /// Number of the newest fact; 0 if none.
    pub const fn last_seq(&self) -> u64 {
        self.seq
    }

    /// What became of every raise: raised = annunciated + shelved + suppressed + collapsed + chattering.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Every shelving in force, also of conditions without an open alarm.
    pub fn shelvings(&self) -> impl Iterator<Item = (ConditionIndex, &Shelving)> {
        self.shelved.iter().map(|(condition, shelving)| (ConditionIndex(*condition), shelving))
    }

    /// Every tag out of service.
    pub fn services(&self) -> impl Iterator<Item = (TagIndex, &Service)> {
        self.services.iter().map(|(tag, service)| (TagIndex(*tag), service))
    }

    /// Every condition suppressed by design now, also without an open alarm.
    pub fn suppressed(&self) -> impl Iterator<Item = ConditionIndex> {
        let cells = self.plan.cells.iter().filter(|c| c.flags & crate::plan::SUPPRESSED != 0);
        cells.map(|c| ConditionIndex(c.condition))
    }

    /// Tags that ever had a reading, and those of them that are stale: `(live, stale)`.
    pub fn sources(&self) -> (usize, usize) {
        let known = self.tags.iter().filter(|t| t.is_known() && !t.has(RETIRED));
        known.fold((0, 0), |(live, stale), t| if t.has(STALE) { (live, stale + 1) } else { (live + 1, stale) })
    }

    /// How much the engine holds, for metrics and for the bound on it (invariant 16).
    pub fn size(&self) -> Size {
        Size {
            slots: self.slots.all.len(),
            episodes: self.episodes.open.len(),
            deadlines: self.deadlines.len(),
            held: self.watch.held.values().map(Vec::len).sum(),
            branches_overflowed: self.episodes.overflowed,
            keys_forgotten: self.keys.forgotten,
            reorder_overflowed: self.watch.reorder_overflowed,
        }
    }

    /// Whether the desk is in flood mode.
    pub const fn in_flood(&self) -> bool {
        self.flood.on
    }

    /// The rules in force.
    pub const fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Every episode that is not closed, branches and shelved ones included, in the order of their numbers.
    pub fn open_alarms(&self) -> Vec<AlarmRecord> {
        self.episodes.open.keys().filter_map(|&id| self.record(id)).collect()
    }

    /// One open episode.
    pub fn alarm(&self, id: alarm::AlarmId) -> Option<AlarmRecord> {
        self.record(id)
    }

    /// Items of the work systems that are not ended.
    pub fn items(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.book.open()
    }

    /// The work systems' state, to read.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// Handles every deadline up to `now`, each at its own time: a tick never changes an outcome, only when it is seen.
    pub(crate) fn run_deadlines(&mut self, now: Time, out: &mut Effects) {
        self.run_deadlines_until(now, now, out);
    }

    fn run_deadlines_until(&mut self, until: Time, now: Time, out: &mut Effects) {
        while let Some((at, due)) = self.deadlines.pop(until) {
            match due {
                Due::Delay(condition) => self.delay_due(condition, at, now, out),
                Due::Stale(tag) => self.stale_due(tag, at, now, out),
                Due::Stuck(tag) => self.stuck_due(tag, at, now, out),
                Due::Reorder(tag) => self.reorder_due(tag, at, now, out),
                Due::Grace(gateway) => self.grace_due(gateway, at, now, out),
                Due::Evaluate(rule) => self.evaluate_due(rule, at, now, out),
                Due::Shelve(condition) => self.shelve_due(condition, at, now, out),
                Due::Service(tag) => self.service_due(tag, at, now, out),
                Due::Escalate(alarm) => self.escalate_due(alarm, at, now, out),
                Due::Chatter(condition) => self.chatter_due(condition, at, now, out),
                Due::Flood => self.flood_due(at, now, out),
                Due::Work => self.work_due(at, now, out),
                Due::Theatre => self.theatre_due(at, out),
            }
        }
        self.watch.ran_until = self.watch.ran_until.max(until);
        // Entries that no longer apply pile up in a storm; the state alone says which are needed (invariant 16).
        if self.deadlines.len() > HEAP_SPARE + 4 * (self.plan.cells.len() + self.tags.len()) {
            self.rebuild_deadlines();
        }
    }
}
