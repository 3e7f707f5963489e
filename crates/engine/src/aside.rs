//! Readings that are not plain: first ones, after a gap, from a gateway that catches up, late ones, held ones.

use alarm::{AlarmId, Cause, Instants};
use model::{Reading, Time};

use crate::clock::{DETECTORS, GAP, RETIRED, STALE, TagState, instants, may_be_redelivery};
use crate::deadline::Due;
use crate::engine::{Engine, Moment};
use crate::gateway::GATEWAYS_MAX;
use crate::plan::micros;
use crate::watch::Held;
use crate::{Effects, Notice};

/// Readings in one tag's reorder buffer.
const HELD_MAX: usize = 256;
/// A back-fill that takes longer is treated as live.
const CATCH_UP_US: i64 = 600_000_000;

impl Engine {
    /// Retired tags are ignored and counted, reordered ones are held; true when nothing more is to be done.
    pub(crate) fn read_aside(&mut self, now: Time, reading: &Reading, out: &mut Effects) -> bool {
        if self.tags[reading.tag.0 as usize].has(RETIRED) {
            out.counts.ignored += 1;
            return true;
        }
        self.hold(now, reading, out)
    }

    /// Opt-in reordering: a reading is evaluated `reorder_s` after its effective time, in that order.
    fn hold(&mut self, now: Time, reading: &Reading, out: &mut Effects) -> bool {
        let tag = reading.tag.0;
        let Some(settings) = self.rules.tags.get(tag as usize) else { return false };
        let wait = micros(settings.reorder_s);
        let gateway = &self.gateways[(reading.gateway.0 as usize).min(GATEWAYS_MAX - 1)];
        let at = instants(gateway, reading, now, self.future_us);
        let held = self.watch.held.entry(tag).or_default();
        if held.iter().any(|h| h.reading.source_time == reading.source_time && h.reading.value == reading.value) {
            out.counts.duplicate += 1;
            return true;
        }
        out.counts.live += 1;
        let due = at.effective.plus_us(wait).max(at.received);
        let place = held.partition_point(|h| (h.due, h.reading.source_time) <= (due, reading.source_time));
        held.insert(place, Held { due, reading: *reading });
        self.deadlines.push(due, Due::Reorder(tag));
        if self.watch.held.get(&tag).is_some_and(|h| h.len() > HELD_MAX) {
            self.watch.reorder_overflowed += 1;
            self.release_held(tag, now, now, out);
        }
        if due <= now {
            self.run_deadlines(now, out);
        }
        true
    }

    pub(crate) fn reorder_due(&mut self, tag: u32, at: Time, now: Time, out: &mut Effects) {
        if self.watch.held.get(&tag).and_then(|h| h.first()).is_some_and(|h| h.due <= at) {
            self.release_held(tag, at, now, out);
        }
    }

    /// Lets the oldest held reading through. It was counted when it came.
    fn release_held(&mut self, tag: u32, at: Time, now: Time, out: &mut Effects) {
        let Some(held) = self.watch.held.get_mut(&tag).filter(|h| !h.is_empty()) else { return };
        let mut reading = held.remove(0).reading;
        reading.server_time = at;
        let counts = out.counts;
        self.judge_reading(now, &reading, out);
        out.counts = counts;
    }

    /// A late reading never changes live state; but n in a row from a live session mean that its clock stepped back.
    #[cold]
    pub(crate) fn read_late(&mut self, now: Time, reading: &Reading, at: Instants, out: &mut Effects) {
        let tag = &mut self.tags[reading.tag.0 as usize];
        let gateway = &self.gateways[(reading.gateway.0 as usize).min(GATEWAYS_MAX - 1)];
        let moment = Moment { at, late: true, fresh: false, ..Moment::at(now, now) };
        if may_be_redelivery(tag, gateway, reading, at) {
            out.counts.late += 1;
            return self.retrospect(reading, &moment, out);
        }
        let before = self.watch.late.insert(reading.tag.0, reading.source_time);
        let advancing = tag.late_run > 0 && before.is_some_and(|t| reading.source_time > t);
        tag.late_run = if advancing { tag.late_run.saturating_add(1) } else { 1 };
        if u32::from(tag.late_run) >= self.rules.hall.clock_step_readings.max(1) {
            return self.rebase(now, reading, out);
        }
        out.counts.late += 1;
        self.retrospect(reading, &moment, out);
    }

    /// The gateway's clock stepped back: from here its offset makes the present reading "now".
    fn rebase(&mut self, now: Time, reading: &Reading, out: &mut Effects) {
        let index = (reading.gateway.0 as usize).min(GATEWAYS_MAX - 1);
        let received = reading.server_time.min(now);
        let offset = received.since_us(reading.source_time);
        let by_us = self.gateways[index].offset_us.saturating_sub(offset);
        self.gateways[index].offset_us = offset;
        let gateway = reading.gateway;
        self.notice(now, Notice::ClockStep { gateway, by_us }, out);
        let mut at = instants(&self.gateways[index], reading, now, self.future_us);
        at.effective = at.effective.max(self.tags[reading.tag.0 as usize].effective);
        self.read_live(now, reading, at, out);
    }

    /// Everything about a reading that is not plain, before its conditions are judged.
    #[cold]
    pub(crate) fn prepare(&mut self, reading: &Reading, before: &TagState, moment: &mut Moment, out: &mut Effects) {
        let index = reading.tag.0 as usize;
        self.settle_gateway(reading, before, moment, out);
        if before.is_odd_counter(reading.seq) {
            self.note_counter(reading, before, moment, out);
        }
        if before.has(STALE) {
            self.data_returned(reading.tag.0, moment, out);
        }
        self.arm_stale(reading.tag.0);
        if before.has(DETECTORS) {
            self.watch_history(reading, moment, out);
        }
        self.tags[index].set(GAP, false);
    }

    /// All cells whose primary tag this is.
    pub(crate) fn cells_of(&self, tag: u32) -> std::ops::Range<usize> {
        let first = self.tags.get(tag as usize).map_or(0, |t| t.first as usize);
        let end = self.tags.get(tag as usize + 1).map_or(self.plan.cells.len(), |t| t.first as usize);
        first..end
    }

    pub(crate) fn find_cell(&self, tag: u32, wanted: impl Fn(&alarm::ConditionKind) -> bool) -> Option<u32> {
        let of = |cell: &usize| &self.rules.conditions[self.plan.cells[*cell].condition as usize];
        self.cells_of(tag).find(|c| wanted(&of(c).kind) && !of(c).retired).map(|c| c as u32)
    }

    /// The gateway is catching up, ahead of time, rebased, or was silent: what holds for this reading.
    fn settle_gateway(&mut self, reading: &Reading, before: &TagState, moment: &mut Moment, out: &mut Effects) {
        let index = (reading.gateway.0 as usize).min(GATEWAYS_MAX - 1);
        let gateway = self.gateways[index];
        let received = moment.at.received;
        let lost_link = before.is_known() && gateway.up_at != Time::MIN && before.received < gateway.up_at;
        moment.gap = before.has(GAP | STALE) || lost_link;
        if gateway.silent {
            self.heard_again(index as u32, moment, out);
        }
        let shifted = reading.source_time.plus_us(gateway.offset_us);
        self.watch_clock(index as u32, shifted > moment.at.effective || gateway.offset_us != 0, moment, out);
        if gateway.offset_us != 0
            && received.since_us(reading.source_time).unsigned_abs() <= self.future_us.unsigned_abs()
        {
            self.gateways[index].offset_us = 0;
        }
        if gateway.catching_up {
            self.catch_up(index, received.since_us(shifted), moment, out);
        } else {
            self.gateways[index].lag_us = received.since_us(shifted);
        }
        self.gateways[index].up = true;
    }

    /// A reading after a reconnect: back-fill as long as it lags more than usual.
    fn catch_up(&mut self, index: usize, lag_us: i64, moment: &mut Moment, out: &mut Effects) {
        let gateway = &mut self.gateways[index];
        let usual = lag_us.saturating_sub(gateway.lag_us) <= self.future_us;
        if usual || moment.at.received.since_us(gateway.up_at) > CATCH_UP_US {
            gateway.lag_us = lag_us;
            return self.caught_up(index as u32, moment, out);
        }
        gateway.replayed += 1;
        moment.replayed = true;
        moment.fresh = false;
        out.counts.live -= 1;
        out.counts.replayed += 1;
    }

    /// The back-fill is over: one summary, and only what still stands is told.
    fn caught_up(&mut self, index: u32, moment: &Moment, out: &mut Effects) {
        let gateway = &mut self.gateways[index as usize];
        gateway.catching_up = false;
        let readings = std::mem::take(&mut gateway.replayed);
        let raised = std::mem::take(&mut gateway.replayed_raised);
        let recovered = std::mem::take(&mut gateway.replayed_recovered);
        if readings == 0 {
            return;
        }
        let gateway = model::GatewayIndex(index);
        self.notice(moment.now, Notice::Backfill { gateway, readings, raised, recovered }, out);
        let of_gateway = |e: &crate::episode::Episode| e.untold && self.tag_state(e.condition).gateway == index;
        let ids: Vec<AlarmId> = self.episodes.open.iter().filter(|(_, e)| of_gateway(e)).map(|(id, _)| *id).collect();
        for id in ids {
            let active = self.episodes.open.get_mut(&id).is_some_and(|e| {
                e.untold = false;
                e.active
            });
            if active {
                let from = self.shown(id);
                self.tell_again((id, from), Cause::DataReturned, Moment { replayed: true, ..*moment }, out);
            }
        }
    }
}
