//! From a verdict to a transition: delays, gap policy, raise and return.

use alarm::{
    AlarmId, Annunciation, Cause, Change, ConditionKind, GapPolicy, Instants, OnUnknown, Process, Verdict, advance,
};
use model::{Priority, Quality, Time};

use crate::Effects;
use crate::clock::{GAP, NOT_QUIET, STALE};
use crate::deadline::Due;
use crate::emit::Told;
use crate::engine::{Engine, Moment};
use crate::episode::{Episode, NEVER};
use crate::plan::{NO_SLOT, SHELVED, SUPPRESSED};

/// Least off-delay that a chattering condition is stretched from.
const STRETCH_FROM_US: i64 = 1_000_000;
/// What counts as "per minute".
pub(crate) const MINUTE_US: i64 = 60_000_000;

impl Engine {
    /// One sample of one condition. `x` is the value with low limits negated: larger is worse.
    pub(crate) fn sample(&mut self, index: u32, (verdict, x): (Verdict, f64), moment: &Moment, out: &mut Effects) {
        let cell = self.plan.cells[index as usize];
        let params = self.plan.params[cell.params as usize];
        let verdict = match (verdict, params.on_unknown) {
            (Verdict::Unknown, OnUnknown::Raise) => Verdict::Violated,
            (Verdict::Unknown, OnUnknown::Clear) => Verdict::Cleared,
            (verdict, _) => verdict,
        };
        if moment.gap && cell.process == Process::PendingOn && params.gap == GapPolicy::Restart {
            self.slots.all[cell.slot as usize].since = moment.at;
        }
        let held = self.is_held(index, moment);
        let (process, change) = advance(cell.process, verdict, held);
        self.set_process(index, process);
        let bridged = moment.gap && cell.process == Process::PendingOn;
        match change {
            Change::None if process.is_active() && verdict == Verdict::Violated => self.worsen(index, x),
            Change::None => {}
            Change::StartOn | Change::StartOff => self.start(index, moment),
            Change::CancelOn => self.release(index),
            Change::CancelOff => self.worsen(index, x),
            Change::Raise => {
                let cause = if bridged { Cause::Bridged } else { Cause::Raised };
                self.raise(index, (cause, x), moment, out);
            }
            Change::Return => self.come_back(index, Cause::Recovered, moment, out),
        }
    }

    /// Sets the process region; a tag with a condition that is not normal has no quiet band.
    pub(crate) fn set_process(&mut self, index: u32, process: Process) {
        let cell = &mut self.plan.cells[index as usize];
        cell.process = process;
        if process != Process::Normal {
            let tag = self.rules.conditions[cell.condition as usize].tag.0 as usize;
            if let Some(tag) = self.tags.get_mut(tag) {
                tag.quiet = NOT_QUIET;
            }
        }
    }

    /// Whether the delay that matters in the present state has passed.
    fn is_held(&self, index: u32, moment: &Moment) -> bool {
        let cell = &self.plan.cells[index as usize];
        let delay = self.delay_us(index);
        if delay <= 0 {
            return true;
        }
        cell.process.is_pending() && moment.at.elapsed(self.slots.all[cell.slot as usize].since, delay, moment.fresh)
    }

    /// The delay that leads out of the present state.
    fn delay_us(&self, index: u32) -> i64 {
        let cell = &self.plan.cells[index as usize];
        let params = &self.plan.params[cell.params as usize];
        if !cell.process.is_active() {
            return params.on_us;
        }
        let stretch = if cell.slot == NO_SLOT { 0 } else { self.slots.all[cell.slot as usize].stretch };
        if stretch == 0 {
            return params.off_us;
        }
        let cap = crate::plan::micros(self.rules.hall.chatter_off_delay_max_s).max(params.off_us);
        params.off_us.max(STRETCH_FROM_US).saturating_mul(1 << stretch.min(20)).min(cap)
    }

    pub(crate) fn slot_of(&mut self, index: u32) -> u32 {
        let cell = &mut self.plan.cells[index as usize];
        if cell.slot == NO_SLOT {
            cell.slot = self.slots.take(cell.condition);
        }
        cell.slot
    }

    /// Gives the slot back if nothing must be remembered.
    pub(crate) fn release(&mut self, index: u32) {
        let cell = &mut self.plan.cells[index as usize];
        if cell.slot != NO_SLOT && cell.process == Process::Normal && self.slots.all[cell.slot as usize].is_idle() {
            self.slots.release(cell.slot);
            cell.slot = NO_SLOT;
        }
    }

    fn start(&mut self, index: u32, moment: &Moment) {
        let slot = self.slot_of(index);
        self.slots.all[slot as usize].since = moment.at;
        self.arm(index);
    }

    /// Sees to it that the heap holds an entry for the running delay, at most one that counts per condition.
    pub(crate) fn arm(&mut self, index: u32) {
        let cell = self.plan.cells[index as usize];
        if cell.slot == NO_SLOT || !cell.process.is_pending() {
            return;
        }
        let delay = self.delay_us(index);
        let slot = &mut self.slots.all[cell.slot as usize];
        let due = slot.since.received.plus_us(delay);
        if due < slot.armed {
            slot.armed = due;
            self.deadlines.push(due, Due::Delay(cell.condition));
        }
    }

    /// A delay's entry came up: fire, if it still applies and the data is fresh; else the next reading decides.
    pub(crate) fn delay_due(&mut self, condition: u32, at: Time, now: Time, out: &mut Effects) {
        let index = self.plan.cell_of[condition as usize];
        let cell = self.plan.cells[index as usize];
        if cell.slot == NO_SLOT || self.slots.all[cell.slot as usize].armed != at {
            return;
        }
        self.slots.all[cell.slot as usize].armed = NEVER;
        if !cell.process.is_pending() {
            return;
        }
        let delay = self.delay_us(index);
        let since = self.slots.all[cell.slot as usize].since;
        if since.received.plus_us(delay) > at {
            return self.arm(index);
        }
        if self.is_fresh(condition, cell.process == Process::PendingOn) {
            let effective = since.effective.plus_us(delay);
            let moment = Moment { at: Instants { effective, received: at }, ..Moment::at(now, at) };
            let pending = if cell.process == Process::PendingOn { Verdict::Violated } else { Verdict::Cleared };
            let verdict = self.rule_of(condition).map_or(pending, |rule| self.verdict(rule, at));
            let x = self.oriented_value(index);
            self.sample(index, (verdict, x), &moment, out);
        }
    }

    /// Whether our own clock may decide for this condition: its tag's data is current and known. A gateway that left
    /// after reporting a danger must not keep it from being raised (fail safe); but its leaving is never a recovery.
    fn is_fresh(&self, condition: u32, raising: bool) -> bool {
        use ConditionKind as K;
        let Some(condition) = self.rules.conditions.get(condition as usize) else { return true };
        let Some(tag) = self.tags.get(condition.tag.0 as usize) else { return false };
        let gateway = self.gateways.get(tag.gateway as usize);
        let blind = self.watch.is_blind_since(gateway.map_or(tag.received, |g| g.last_received));
        if matches!(condition.kind, K::Stale | K::Stuck | K::OutOfRange | K::Unknown) {
            return !blind;
        }
        let unknown = tag.quality == Quality::Bad as u8 && condition.on_unknown == OnUnknown::Hold;
        !blind && !tag.has(GAP | STALE) && !unknown && gateway.is_none_or(|g| (raising || g.up) && !g.catching_up)
    }

    /// The tag's last value, negated for low limits.
    pub(crate) fn oriented_value(&self, index: u32) -> f64 {
        let cell = &self.plan.cells[index as usize];
        let tag = self.rules.conditions[cell.condition as usize].tag.0 as usize;
        let value = self.tags.get(tag).map_or(0.0, |t| t.value);
        if cell.low { -value } else { value }
    }

    fn worsen(&mut self, index: u32, x: f64) {
        let cell = &self.plan.cells[index as usize];
        if cell.slot != NO_SLOT {
            let slot = &mut self.slots.all[cell.slot as usize];
            slot.peak = slot.peak.max(x);
        }
    }

    /// The alarm is raised: a new episode, or one more occurrence of a chattering one.
    pub(crate) fn raise(&mut self, index: u32, (cause, x): (Cause, f64), moment: &Moment, out: &mut Effects) {
        self.set_process(index, Process::Active);
        let slot = self.slot_of(index);
        self.tally.raised += 1;
        let chatters = self.count_raise(slot, moment.at.received);
        let open = self.slots.all[slot as usize].episode;
        if chatters && self.reactivate(index, (cause, x), moment, out) {
            return;
        }
        if open.0 != 0 {
            self.branch_off(open, moment, out);
        }
        let condition = self.plan.cells[index as usize].condition;
        let id = self.open_episode(condition, chatters, moment);
        let slot = &mut self.slots.all[slot as usize];
        slot.episode = id;
        slot.peak = x;
        let annunciation = self.annunciate(index, id, moment, out);
        self.emit(id, Told { cause, annunciation, moment: *moment, ..Told::default() }, out);
        if chatters {
            self.emit(id, Told { cause: Cause::ChatterStarted, moment: *moment, ..Told::default() }, out);
        }
        self.arm_escalation(id);
        self.count_replayed(condition, true, moment);
        self.tell_lower_level(condition, moment, out);
    }

    /// Raises and returns within a back-fill are summed up for its one summary.
    fn count_replayed(&mut self, condition: u32, raised: bool, moment: &Moment) {
        let gateway = self.tag_state(condition).gateway as usize;
        if let Some(gateway) = self.gateways.get_mut(gateway).filter(|_| moment.replayed) {
            *(if raised { &mut gateway.replayed_raised } else { &mut gateway.replayed_recovered }) += 1;
        }
    }

    pub(crate) fn open_episode(&mut self, condition: u32, chattering: bool, moment: &Moment) -> AlarmId {
        let id = self.episodes.next_id();
        let tag = self.tag_state(condition);
        let episode = Episode {
            condition,
            seq: 0,
            guard: 0,
            value: tag.value,
            peak: tag.value,
            quality: Quality::from_u8(tag.quality),
            source_time: tag.source,
            raised_at: moment.now,
            returned_at: None,
            unacknowledged_since: moment.at.received,
            acknowledgement: None,
            active: true,
            latched: false,
            branch: false,
            occurrences: 1,
            chattering,
            data_lost: false,
            escalation_step: 0,
            first_out: self.first_out_rank(condition, moment.at.received),
            retired: false,
            untold: moment.replayed,
            parent: (moment.parent != 0).then(|| crate::silence::parent_name(moment.parent)),
            last_by: String::new(),
            last_at: moment.now,
        };
        self.episodes.open.insert(id, episode);
        id
    }

    /// The process came back. Ends the active part of the episode with its cause (invariant 6).
    pub(crate) fn come_back(&mut self, index: u32, cause: Cause, moment: &Moment, out: &mut Effects) {
        self.set_process(index, Process::Normal);
        let cell = self.plan.cells[index as usize];
        if cell.slot == NO_SLOT {
            return;
        }
        let id = self.slots.all[cell.slot as usize].episode;
        self.save_peak(index);
        let latch = self.rules.conditions.get(cell.condition as usize).is_some_and(|c| c.latch);
        let from = self.shown(id);
        if let Some(episode) = self.episodes.open.get_mut(&id) {
            episode.active = false;
            episode.returned_at = Some(moment.now);
            episode.latched = latch && cause == Cause::Recovered;
        }
        self.end_one_shot(cell.condition);
        self.emit(id, Told { from, cause, moment: *moment, ..Told::default() }, out);
        self.close_if_done(id);
        self.release(index);
        self.count_replayed(cell.condition, false, moment);
        self.tell_lower_level(cell.condition, moment, out);
    }

    /// Moves the running peak into the episode, in the tag's own sign.
    pub(crate) fn save_peak(&mut self, index: u32) {
        let cell = self.plan.cells[index as usize];
        let slot = &self.slots.all[cell.slot as usize];
        let peak = if cell.low { -slot.peak } else { slot.peak };
        if let Some(episode) = self.episodes.open.get_mut(&slot.episode) {
            episode.peak = peak;
        }
    }

    /// Removes an episode that has nothing left to do.
    pub(crate) fn close_if_done(&mut self, id: AlarmId) {
        let Some(episode) = self.episodes.open.get(&id).filter(|e| e.regions().is_closed()) else { return };
        let index = self.plan.cell_of.get(episode.condition as usize).copied();
        self.episodes.close(id);
        self.shelve_requests.remove(&id);
        let Some(index) = index else { return };
        let cell = self.plan.cells[index as usize];
        if cell.slot != NO_SLOT && self.slots.all[cell.slot as usize].episode == id {
            self.slots.all[cell.slot as usize].episode = AlarmId(0);
            self.release(index);
        }
    }

    /// How a raise is told, and counted: every raise is counted once (invariant 14).
    pub(crate) fn annunciate(&mut self, index: u32, id: AlarmId, moment: &Moment, out: &mut Effects) -> Annunciation {
        let cell = self.plan.cells[index as usize];
        let service = self.services.contains_key(&self.rules.conditions[cell.condition as usize].tag.0);
        let parent = self.episodes.open.get(&id).is_some_and(|e| e.parent.is_some());
        let annunciation = if service || cell.flags & SUPPRESSED != 0 {
            Annunciation::Suppressed
        } else if cell.flags & SHELVED != 0 {
            Annunciation::Shelved
        } else if parent || moment.replayed {
            Annunciation::Collapsed
        } else {
            self.annunciate_in_flood(cell.condition, moment, out)
        };
        self.tally.count(annunciation);
        annunciation
    }

    pub(crate) fn annunciate_in_flood(&mut self, condition: u32, moment: &Moment, out: &mut Effects) -> Annunciation {
        let was_on = self.flood.on;
        let safety = self.passes_flood(condition);
        let folded = self.flood.count(moment.at.received, self.rules.hall.flood_per_10_min, safety);
        if self.flood.on && !was_on {
            self.flood_began(moment.now, out);
        }
        if folded { Annunciation::Collapsed } else { Annunciation::Individual }
    }

    /// Priorities I and II, and safety tags above diagnostics, always sound.
    fn passes_flood(&self, condition: u32) -> bool {
        let Some(condition) = self.rules.conditions.get(condition as usize) else {
            return crate::diagnostic::about(condition).priority <= Priority::II;
        };
        let safety = self.rules.tags.get(condition.tag.0 as usize).is_some_and(|t| t.safety);
        condition.priority <= Priority::II || (safety && condition.priority != Priority::Diagnostic)
    }
}
