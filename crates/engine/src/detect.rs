//! Optional detectors: range, stuck-at, impossible jumps, counters, and the side evaluation of late readings.

use alarm::{AlarmId, Annunciation, Cause, ConditionKind, Verdict};
use model::{Quality, Reading, ReadingFlags, Time};

use crate::clock::{GAP, STALE, STUCK, TagState};
use crate::deadline::Due;
use crate::emit::Told;
use crate::engine::{Engine, Moment};
use crate::gateway::GATEWAYS_MAX;
use crate::plan::{is_limit, micros};
use crate::silence::next_look;
use crate::watch::Jump;
use crate::{Effects, Notice};

/// Late excursions of one condition closer together than this are told once.
const EXCURSION_US: i64 = 60_000_000;
/// One counter notice per gateway in this time.
const COUNTER_NOTICE_US: i64 = 60_000_000;

impl Engine {
    /// A value outside the instrument's span is of bad quality and has its own condition.
    pub(crate) fn watch_range(&mut self, reading: &Reading, moment: &Moment, out: &mut Effects) {
        let index = reading.tag.0 as usize;
        let span = self.rules.tags.get(index).and_then(|t| t.span);
        let beyond = span.is_some_and(|(low, high)| !(low..=high).contains(&reading.value));
        let outside = beyond || reading.flags.has(ReadingFlags::OVER_RANGE);
        if outside || !reading.value.is_finite() {
            self.tags[index].quality = Quality::Bad as u8;
        }
        let bad = self.tags[index].quality == Quality::Bad as u8;
        let (from, to) = (self.tags[index].first, self.tags[index].first + u32::from(self.tags[index].watched));
        for cell in from + u32::from(self.tags[index].limits)..to {
            let kind = &self.rules.conditions[self.plan.cells[cell as usize].condition as usize].kind;
            let violated = if matches!(kind, ConditionKind::OutOfRange) { outside } else { bad };
            let verdict = if violated { Verdict::Violated } else { Verdict::Cleared };
            self.sample(cell, (verdict, reading.value), moment, out);
        }
    }

    /// Detectors that compare a reading with earlier ones.
    pub(crate) fn watch_history(&mut self, reading: &Reading, moment: &mut Moment, out: &mut Effects) {
        let tag = reading.tag.0;
        let Some(settings) = self.rules.tags.get(tag as usize) else { return };
        let (stuck, rate_max) = (settings.stuck, settings.rate_max_per_s);
        if let Some(limit) = rate_max {
            moment.suspect = self.is_jump(tag, (moment.at.effective, reading.value), limit);
            if moment.suspect {
                self.tags[tag as usize].quality = self.tags[tag as usize].quality.max(Quality::Uncertain as u8);
            }
        }
        if let Some((after_s, noise)) = stuck {
            self.watch_stuck(reading, (micros(after_s), noise), moment, out);
        }
    }

    /// Faster than physics allows: suspect until one more reading agrees with it (2 of 3).
    fn is_jump(&mut self, tag: u32, now: (Time, f64), limit: f64) -> bool {
        let too_fast = |from: (Time, f64)| {
            let seconds = (now.0.since_us(from.0).max(1) as f64 / 1e6).max(0.001);
            ((now.1 - from.1).abs() / seconds) > limit
        };
        let Some(jump) = self.watch.jumps.get_mut(&tag) else {
            self.watch.jumps.insert(tag, Jump { trusted: now, suspect: None });
            return false;
        };
        let agrees = jump.suspect.is_some_and(|s| !too_fast(s));
        if agrees || !too_fast(jump.trusted) {
            *jump = Jump { trusted: now, suspect: None };
            return false;
        }
        jump.suspect = Some(now);
        true
    }

    fn watch_stuck(&mut self, reading: &Reading, (after_us, noise): (i64, f64), moment: &Moment, out: &mut Effects) {
        let tag = reading.tag.0;
        let received = moment.at.received;
        let held = self.watch.stuck.get(&tag).copied();
        if held.is_some_and(|(value, _)| (reading.value - value).abs() <= noise) {
            let since = held.map_or(received, |h| h.1);
            if received.since_us(since) >= after_us && !self.tags[tag as usize].has(STUCK) {
                self.set_stuck(tag, true, moment, out);
            }
            return;
        }
        self.watch.stuck.insert(tag, (reading.value, received));
        let was_stuck = self.tags[tag as usize].has(STUCK);
        if was_stuck {
            self.set_stuck(tag, false, moment, out);
        }
        if held.is_none() || was_stuck {
            self.deadlines.push(received.plus_us(after_us), Due::Stuck(tag));
        }
    }

    /// The look at a stuck value is moved when it comes up, not by every reading.
    pub(crate) fn stuck_due(&mut self, tag: u32, at: Time, now: Time, out: &mut Effects) {
        let Some((after_s, _)) = self.rules.tags.get(tag as usize).and_then(|t| t.stuck) else { return };
        let Some(&(_, since)) = self.watch.stuck.get(&tag) else { return };
        let after = micros(after_s).max(1);
        let due = since.plus_us(after);
        if due > at {
            return self.deadlines.push(due, Due::Stuck(tag));
        }
        if self.tags[tag as usize].has(STUCK) {
            return;
        }
        // No data is not the same as no change: a stale tag has its own alarm.
        if self.tags[tag as usize].has(STALE | GAP) {
            return self.deadlines.push(next_look(since, after, at), Due::Stuck(tag));
        }
        self.set_stuck(tag, true, &Moment::at(now, at), out);
    }

    fn set_stuck(&mut self, tag: u32, on: bool, moment: &Moment, out: &mut Effects) {
        self.tags[tag as usize].set(STUCK, on);
        if let Some(cell) = self.find_cell(tag, |k| matches!(k, ConditionKind::Stuck)) {
            let verdict = if on { Verdict::Violated } else { Verdict::Cleared };
            let x = self.tags[tag as usize].value;
            self.sample(cell, (verdict, x), moment, out);
        }
    }

    /// A counter that went up by one so far jumped, or came again with another value.
    pub(crate) fn note_counter(&mut self, reading: &Reading, before: &TagState, moment: &Moment, out: &mut Effects) {
        let gateway = &mut self.gateways[(reading.gateway.0 as usize).min(GATEWAYS_MAX - 1)];
        let last = gateway.sequence_notice_at;
        if last != Time::MIN && moment.now.since_us(last) < COUNTER_NOTICE_US {
            return;
        }
        let (expected, got) = (before.seq.saturating_add(1), reading.seq);
        let (tag, from) = (reading.tag, reading.gateway);
        let notice = if got > expected {
            Notice::SequenceGap { gateway: from, tag, expected, got }
        } else if got == before.seq {
            Notice::SequenceConflict { gateway: from, tag, seq: got }
        } else {
            return; // The device began to count anew.
        };
        gateway.sequence_notice_at = moment.now;
        self.notice(moment.now, notice, out);
    }

    /// Would a late reading have alarmed? Safety tags are annunciated if it is young enough; others leave a line.
    pub(crate) fn retrospect(&mut self, reading: &Reading, moment: &Moment, out: &mut Effects) {
        if reading.quality == Quality::Bad || !reading.value.is_finite() {
            return;
        }
        let tag = reading.tag.0;
        let (first, limits) = (self.tags[tag as usize].first, u32::from(self.tags[tag as usize].limits));
        for index in first..first + limits {
            let cell = &self.plan.cells[index as usize];
            let x = if cell.low { -reading.value } else { reading.value };
            if x >= cell.limit && !cell.process.is_active() {
                self.excursion(index, reading, moment, out);
            }
        }
    }

    fn excursion(&mut self, index: u32, reading: &Reading, moment: &Moment, out: &mut Effects) {
        let condition = self.plan.cells[index as usize].condition;
        let safety = self.rules.tags.get(reading.tag.0 as usize).is_some_and(|t| t.safety);
        let delayed = self.plan.params[self.plan.cells[index as usize].params as usize].on_us > 0;
        let at = moment.at.effective;
        let told = self.watch.excursions.get(&condition).copied();
        let known = told.is_some_and(|t| at.since_us(t).unsigned_abs() < EXCURSION_US.unsigned_abs());
        if known || (delayed && !safety) {
            return;
        }
        self.watch.excursions.insert(condition, at);
        let age_us = moment.at.received.since_us(at);
        if safety && age_us < micros(self.rules.hall.late_annunciate_s) {
            return self.annunciate_late(index, reading, moment, out);
        }
        let key = self.key_of(condition).to_string();
        let (value, source_time) = (reading.value, reading.source_time);
        self.notice(moment.now, Notice::RetrospectiveExcursion { condition: key, value, source_time }, out);
    }

    /// An episode of its own, already returned, that needs its acknowledgement; the live process state stays.
    fn annunciate_late(&mut self, index: u32, reading: &Reading, moment: &Moment, out: &mut Effects) {
        let condition = self.plan.cells[index as usize].condition;
        self.tally.raised += 1;
        let id = self.open_episode(condition, false, moment);
        if let Some(episode) = self.episodes.open.get_mut(&id) {
            episode.active = false;
            episode.branch = true;
            episode.returned_at = Some(moment.now);
            (episode.value, episode.peak) = (reading.value, reading.value);
            (episode.quality, episode.source_time) = (reading.quality, reading.source_time);
        }
        let annunciation = self.annunciate(index, id, moment, out);
        let cause = Cause::RetrospectiveExcursion;
        self.emit(id, Told { cause, annunciation, moment: *moment, ..Told::default() }, out);
        self.branch_off(id, moment, out);
        self.arm_escalation(id);
    }

    /// The lower level of the same side shows that the higher one came or went (thingsboard#11803).
    pub(crate) fn tell_lower_level(&mut self, condition: u32, moment: &Moment, out: &mut Effects) {
        let Some(upper) = self.rules.conditions.get(condition as usize) else { return };
        let (tag, kind) = (upper.tag.0, upper.kind.clone());
        if !is_limit(&kind) {
            return;
        }
        let lower = self.find_cell(tag, |k| match kind {
            ConditionKind::HighHigh(_) => matches!(k, ConditionKind::High(_)),
            ConditionKind::LowLow(_) => matches!(k, ConditionKind::Low(_)),
            _ => false,
        });
        let Some(lower) = lower else { return };
        let slot = self.plan.cells[lower as usize].slot;
        let Some(id) = self.slots.all.get(slot as usize).map(|s| s.episode).filter(|id| *id != AlarmId(0)) else {
            return;
        };
        if self.episodes.open.get(&id).is_some_and(|e| e.active) {
            let x = self.oriented_value(lower);
            let slot = &mut self.slots.all[slot as usize];
            slot.peak = slot.peak.max(x);
            let from = self.shown(id);
            let told = Told { from, cause: Cause::LevelChanged, moment: *moment, ..Told::default() };
            self.emit(id, Told { annunciation: Annunciation::None, ..told }, out);
        }
    }
}
