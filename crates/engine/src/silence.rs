//! No data: stale tags, grouped to the lowest common link: sensor, gateway, platform. Silence is never a recovery.

use std::sync::Arc;

use alarm::{AlarmId, Annunciation, Cause, ConditionKind, Verdict};
use model::Time;

use crate::Effects;
use crate::clock::{STALE, WATCHED};
use crate::deadline::Due;
use crate::diagnostic::{self, CLOCK, DARK, SILENT};
use crate::emit::Told;
use crate::engine::{Engine, Moment};
use crate::judge::MINUTE_US;
use crate::plan::micros;

impl Engine {
    /// Seconds without a reading after which a tag is stale, in microseconds.
    pub(crate) fn stale_after_us(&self, tag: u32) -> Option<i64> {
        let settings = self.rules.tags.get(tag as usize).filter(|t| !t.retired)?;
        settings.period_s.map(|p| micros(p * settings.stale_factor)).filter(|us| *us > 0)
    }

    pub(crate) fn arm_stale(&mut self, tag: u32) {
        if self.tags[tag as usize].has(WATCHED) {
            return;
        }
        if let Some(after) = self.stale_after_us(tag) {
            self.tags[tag as usize].set(WATCHED, true);
            self.deadlines.push(self.tags[tag as usize].received.plus_us(after), Due::Stale(tag));
        }
    }

    /// Perhaps no reading for `stale_factor` periods: the entry is only looked at again, not moved by every reading.
    pub(crate) fn stale_due(&mut self, tag: u32, at: Time, now: Time, out: &mut Effects) {
        let (Some(after), Some(state)) = (self.stale_after_us(tag), self.tags.get(tag as usize).copied()) else {
            return;
        };
        let due = state.received.plus_us(after).max(self.watch.grace_until);
        if due > at {
            return self.deadlines.push(due, Due::Stale(tag));
        }
        let heard = self.gateways.get(state.gateway as usize).map_or(Time::MIN, |g| g.last_received);
        // Our own link is down: silence proves nothing; look again a period later (thingsboard#13715).
        if self.watch.is_blind_since(heard) {
            return self.deadlines.push(next_look(state.received, after, at), Due::Stale(tag));
        }
        self.tags[tag as usize].set(WATCHED, false);
        self.tags[tag as usize].set(STALE, true);
        let parent = self.silence(state.gateway, after, (at, now), out);
        self.data_lost(tag, Moment { parent, ..Moment::at(now, at) }, out);
    }

    /// Whether the whole gateway is silent, not only this tag; then its alarm stands for all its tags.
    fn silence(&mut self, number: u32, after_us: i64, (at, now): (Time, Time), out: &mut Effects) -> u32 {
        let Some(gateway) = self.gateways.get_mut(number as usize) else { return 0 };
        if gateway.up && at.since_us(gateway.last_received) < after_us / 2 {
            return 0;
        }
        let condition = SILENT | number;
        if !std::mem::replace(&mut gateway.silent, true) {
            let mut heard = self.gateways.iter().filter(|g| g.last_received != Time::MIN);
            let many = heard.clone().count() > 1;
            let all = heard.all(|g| g.silent);
            let parent = if self.watch.diagnostics.contains_key(&DARK) { DARK } else { 0 };
            self.raise_diagnostic(condition, Moment { parent, ..Moment::at(now, at) }, out);
            if many && all {
                self.raise_diagnostic(DARK, Moment::at(now, at), out);
            }
        }
        condition
    }

    /// Something came from a silent gateway. Its tags that stay stale are told one by one after the grace time.
    pub(crate) fn heard_again(&mut self, number: u32, moment: &Moment, out: &mut Effects) {
        let gateway = &mut self.gateways[number as usize];
        gateway.silent = false;
        gateway.heard_at = moment.at.received;
        let due = gateway.heard_at.plus_us(micros(self.rules.hall.return_grace_s));
        self.deadlines.push(due, Due::Grace(number));
        self.clear_diagnostic(DARK, moment, out);
        self.clear_diagnostic(SILENT | number, moment, out);
    }

    pub(crate) fn grace_due(&mut self, number: u32, at: Time, now: Time, out: &mut Effects) {
        let grace = micros(self.rules.hall.return_grace_s);
        let Some(gateway) = self.gateways.get_mut(number as usize) else { return };
        if gateway.heard_at.plus_us(grace) != at || gateway.silent {
            return;
        }
        gateway.heard_at = Time::MIN;
        let name = parent_name(SILENT | number);
        let folded = |e: &crate::episode::Episode| e.active && e.parent.as_ref() == Some(&name);
        let ids: Vec<AlarmId> = self.episodes.open.iter().filter(|(_, e)| folded(e)).map(|(id, _)| *id).collect();
        for id in ids {
            let from = self.shown(id);
            if let Some(episode) = self.episodes.open.get_mut(&id) {
                episode.parent = None;
            }
            self.tell_again((id, from), Cause::Unsuppressed, Moment::at(now, at), out);
        }
    }

    fn data_lost(&mut self, tag: u32, moment: Moment, out: &mut Effects) {
        self.mark_data(tag, true, &moment, out);
        if let Some(cell) = self.find_cell(tag, |k| matches!(k, ConditionKind::Stale)) {
            self.sample(cell, (Verdict::Violated, 0.0), &moment, out);
        }
        self.evaluate_dependents(tag, false, &moment, out);
    }

    pub(crate) fn data_returned(&mut self, tag: u32, moment: &Moment, out: &mut Effects) {
        self.tags[tag as usize].set(STALE, false);
        self.mark_data(tag, false, moment, out);
        if let Some(cell) = self.find_cell(tag, |k| matches!(k, ConditionKind::Stale)) {
            self.sample(cell, (Verdict::Cleared, 0.0), moment, out);
        }
    }

    /// Active alarms of a tag stay active and show that their data was lost, or is back (grafana#105571).
    fn mark_data(&mut self, tag: u32, lost: bool, moment: &Moment, out: &mut Effects) {
        for cell in self.cells_of(tag) {
            let slot = self.plan.cells[cell].slot;
            let stale =
                matches!(self.rules.conditions[self.plan.cells[cell].condition as usize].kind, ConditionKind::Stale);
            let Some(id) = self.slots.all.get(slot as usize).map(|s| s.episode).filter(|id| *id != AlarmId(0)) else {
                continue;
            };
            if !stale {
                self.mark_episode(id, lost, moment, out);
            }
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

    /// Raises an alarm about the measuring system; an open one of the same kind counts one more occurrence.
    pub(crate) fn raise_diagnostic(&mut self, condition: u32, moment: Moment, out: &mut Effects) {
        self.tally.raised += 1;
        let open = self.watch.diagnostics.get(&condition).copied().unwrap_or(AlarmId(0));
        let from = self.shown(open);
        if let Some(episode) = self.episodes.open.get_mut(&open) {
            let recent = episode.returned_at.is_some_and(|t| moment.now.since_us(t) < MINUTE_US);
            episode.active = true;
            episode.returned_at = None;
            episode.occurrences = episode.occurrences.saturating_add(1);
            let annunciation = if recent {
                self.tally.count(Annunciation::Chattering);
                Annunciation::Chattering
            } else {
                self.annunciate_diagnostic(condition, &moment, out)
            };
            self.emit(open, Told { from, annunciation, moment, ..Told::default() }, out);
            return;
        }
        let id = self.open_episode(condition, false, &moment);
        self.watch.diagnostics.insert(condition, id);
        let annunciation = self.annunciate_diagnostic(condition, &moment, out);
        self.emit(id, Told { annunciation, moment, ..Told::default() }, out);
    }

    fn annunciate_diagnostic(&mut self, condition: u32, moment: &Moment, out: &mut Effects) -> Annunciation {
        let annunciation = if self.shelved.contains_key(&condition) {
            Annunciation::Shelved
        } else if moment.parent != 0 {
            Annunciation::Collapsed
        } else {
            self.annunciate_in_flood(condition, moment, out)
        };
        self.tally.count(annunciation);
        annunciation
    }

    pub(crate) fn clear_diagnostic(&mut self, condition: u32, moment: &Moment, out: &mut Effects) {
        let Some(&id) = self.watch.diagnostics.get(&condition) else { return };
        let from = self.shown(id);
        match self.episodes.open.get_mut(&id) {
            Some(episode) if episode.active => {
                episode.active = false;
                episode.returned_at = Some(moment.now);
            }
            Some(_) => return,
            None => {
                self.watch.diagnostics.remove(&condition);
                return;
            }
        }
        self.end_one_shot(condition);
        self.emit(id, Told { from, cause: Cause::Recovered, moment: *moment, ..Told::default() }, out);
        self.close_if_done(id);
    }

    /// The gateway's clock is ahead of ours by more than F, or was rebased.
    pub(crate) fn watch_clock(&mut self, number: u32, wrong: bool, moment: &Moment, out: &mut Effects) {
        let gateway = &mut self.gateways[number as usize];
        let received = moment.at.received;
        if wrong {
            gateway.skew_at = received;
            if !std::mem::replace(&mut gateway.skewed, true) {
                self.raise_diagnostic(CLOCK | number, *moment, out);
            }
        } else if gateway.skewed && received.since_us(gateway.skew_at) >= MINUTE_US {
            gateway.skewed = false;
            self.clear_diagnostic(CLOCK | number, moment, out);
        }
    }
}

/// The first whole number of periods after `received` that lies after `past`.
pub(crate) const fn next_look(received: Time, after_us: i64, past: Time) -> Time {
    let periods = past.since_us(received).div_euclid(after_us).saturating_add(1);
    received.plus_us(after_us.saturating_mul(periods))
}

/// How a folded alarm names what explains it.
pub(crate) fn parent_name(condition: u32) -> Arc<str> {
    diagnostic::about(condition).key
}
