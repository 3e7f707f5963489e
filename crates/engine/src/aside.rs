//! Readings that are not plain: first ones, after a gap, of bad quality, from a gateway that catches up, late, repeated.

use alarm::{AlarmId, Cause, Instants, Verdict};
use model::{Quality, Reading, ReadingFlags, Time};

use crate::clock::{GAP, RETIRED, STALE, may_be_redelivery};
use crate::deadline::Due;
use crate::emit::Told;
use crate::engine::{Engine, Moment};
use crate::gateway::GATEWAYS_MAX;
use crate::plan::micros;
use crate::{Effects, Notice};

impl Engine {
    /// Retired tags are ignored and counted; true when nothing more is to be done.
    pub(crate) fn read_aside(&mut self, _now: Time, reading: &Reading, out: &mut Effects) -> bool {
        let retired = self.tags[reading.tag.0 as usize].has(RETIRED);
        out.counts.ignored += u64::from(retired);
        retired
    }

    /// A late reading never changes live state; but n in a row from a live session mean that its clock stepped back.
    #[cold]
    pub(crate) fn read_late(&mut self, now: Time, reading: &Reading, at: Instants, out: &mut Effects) {
        let tag = &mut self.tags[reading.tag.0 as usize];
        let gateway = &self.gateways[(reading.gateway.0 as usize).min(GATEWAYS_MAX - 1)];
        if may_be_redelivery(tag, gateway, reading, at) {
            out.counts.late += 1;
            return;
        }
        let before = self.late.insert(reading.tag.0, reading.source_time);
        let advancing = tag.late_run > 0 && before.is_some_and(|t| reading.source_time > t);
        tag.late_run = if advancing { tag.late_run.saturating_add(1) } else { 1 };
        if u32::from(tag.late_run) >= self.rules.hall.clock_step_readings.max(1) {
            return self.rebase(now, reading, out);
        }
        out.counts.late += 1;
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
        let mut at = crate::clock::instants(&self.gateways[index], reading, now, self.future_us);
        at.effective = at.effective.max(self.tags[reading.tag.0 as usize].effective);
        self.read_live(now, reading, at, out);
    }

    /// Everything about a reading that is not plain, before its conditions are judged.
    #[cold]
    pub(crate) fn prepare(&mut self, reading: &Reading, flags: u16, moment: &mut Moment, out: &mut Effects) {
        let index = reading.tag.0 as usize;
        moment.gap = flags & (GAP | STALE) != 0;
        self.settle_gateway(reading, moment, out);
        self.watch_range(reading, index);
        self.tags[index].set(GAP, false);
        if flags & STALE != 0 {
            self.data_returned(reading.tag.0, moment, out);
        }
        self.arm_stale(reading.tag.0, flags);
    }

    /// A value outside the instrument's span is of bad quality.
    fn watch_range(&mut self, reading: &Reading, index: usize) {
        let span = self.rules.tags.get(index).and_then(|t| t.span);
        let outside = span.is_some_and(|(low, high)| !(low..=high).contains(&reading.value));
        if outside || reading.flags.has(ReadingFlags::OVER_RANGE) || !reading.value.is_finite() {
            self.tags[index].quality = Quality::Bad as u8;
        }
    }

    /// Seconds without a reading after which a tag is stale, in microseconds.
    pub(crate) fn stale_after_us(&self, tag: u32) -> Option<i64> {
        let settings = self.rules.tags.get(tag as usize)?;
        settings.period_s.map(|p| micros(p * settings.stale_factor)).filter(|us| *us > 0)
    }

    fn arm_stale(&mut self, tag: u32, _flags: u16) {
        if self.tags[tag as usize].has(crate::clock::WATCHED) {
            return;
        }
        if let Some(after) = self.stale_after_us(tag) {
            self.tags[tag as usize].set(crate::clock::WATCHED, true);
            self.deadlines.push(self.tags[tag as usize].received.plus_us(after), Due::Stale(tag));
        }
    }

    /// Perhaps no reading for `stale_factor` periods: the entry is only looked at again, not moved by every reading.
    pub(crate) fn stale_due(&mut self, tag: u32, at: Time, now: Time, out: &mut Effects) {
        let (Some(after), Some(state)) = (self.stale_after_us(tag), self.tags.get_mut(tag as usize)) else { return };
        let due = state.received.plus_us(after);
        if due > at {
            return self.deadlines.push(due, Due::Stale(tag));
        }
        state.set(STALE, true);
        state.set(crate::clock::WATCHED, false);
        self.data_lost(tag, at, now, out);
    }

    fn data_lost(&mut self, tag: u32, at: Time, now: Time, out: &mut Effects) {
        let moment = Moment::at(now, at);
        self.mark_data(tag, true, &moment, out);
        if let Some(cell) = self.find_cell(tag, |k| matches!(k, alarm::ConditionKind::Stale)) {
            self.sample(cell, Verdict::Violated, 0.0, &moment, out);
        }
    }

    fn data_returned(&mut self, tag: u32, moment: &Moment, out: &mut Effects) {
        self.tags[tag as usize].set(STALE, false);
        self.mark_data(tag, false, moment, out);
        if let Some(cell) = self.find_cell(tag, |k| matches!(k, alarm::ConditionKind::Stale)) {
            self.sample(cell, Verdict::Cleared, 0.0, moment, out);
        }
    }

    /// Active alarms of a tag stay active and show that their data was lost, or is back (grafana#105571).
    fn mark_data(&mut self, tag: u32, lost: bool, moment: &Moment, out: &mut Effects) {
        let cells = self.cells_of(tag);
        for cell in cells {
            let slot = self.plan.cells[cell].slot;
            let Some(id) = self.slots.all.get(slot as usize).map(|s| s.episode).filter(|id| *id != AlarmId(0)) else {
                continue;
            };
            self.mark_episode(id, lost, moment, out);
        }
    }

    fn mark_episode(&mut self, id: AlarmId, lost: bool, moment: &Moment, out: &mut Effects) {
        let from = self.shown(id);
        let Some(episode) = self.episodes.open.get_mut(&id) else { return };
        if episode.data_lost == lost || !episode.active {
            return;
        }
        episode.data_lost = lost;
        let cause = if lost { Cause::DataLost } else { Cause::DataReturned };
        self.emit(id, Told { from, cause, moment: *moment, ..Told::default() }, out);
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

    /// The gateway is catching up, ahead of time, rebased, or was silent: see what holds for this reading.
    fn settle_gateway(&mut self, reading: &Reading, moment: &mut Moment, out: &mut Effects) {
        let index = (reading.gateway.0 as usize).min(GATEWAYS_MAX - 1);
        let lag = moment.at.received.since_us(reading.source_time.plus_us(self.gateways[index].offset_us));
        let gateway = &mut self.gateways[index];
        if gateway.offset_us != 0 && moment.at.received.since_us(reading.source_time).abs() <= self.future_us {
            gateway.offset_us = 0;
        }
        if !gateway.catching_up {
            gateway.lag_us = lag;
            return;
        }
        if lag.saturating_sub(gateway.lag_us) <= self.future_us {
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
        if readings == 0 {
            return;
        }
        let raised = std::mem::take(&mut gateway.replayed_raised);
        let recovered = std::mem::take(&mut gateway.replayed_recovered);
        let gateway = model::GatewayIndex(index);
        self.notice(moment.now, Notice::Backfill { gateway, readings, raised, recovered }, out);
    }
}
