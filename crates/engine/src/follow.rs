//! What follows a raise: chatter, branches, escalation, first-out rank, flood notices.

use alarm::{AlarmId, Annunciation, Cause};
use model::{Priority, Time};

use crate::deadline::Due;
use crate::emit::Told;
use crate::engine::{Engine, Moment};
use crate::judge::MINUTE_US;
use crate::plan::NO_SLOT;
use crate::{Effects, Notice};

/// The one desk of this hall; `serve` may name more later.
pub(crate) const DESK: &str = "duty";
/// Raises in one group within this time are ranked by order (first-out).
const FIRST_OUT_US: i64 = 60_000_000;
/// At most this many ranks are given in one group.
const RANKS_MAX: u32 = 999;

impl Engine {
    /// Counts a raise of a slot; true when the condition chatters.
    pub(crate) fn count_raise(&mut self, slot: u32, at: Time) -> bool {
        let keep = self.rules.hall.chatter_raises_per_min.clamp(2, 60) as usize;
        let slot = &mut self.slots.all[slot as usize];
        while slot.raises.len() >= keep {
            slot.raises.remove(0);
        }
        slot.raises.push(at);
        let fast = slot.raises.len() == keep && at.since_us(slot.raises[0]) < MINUTE_US;
        if slot.chattering || fast {
            slot.stretch = slot.stretch.saturating_add(1).min(20);
        }
        let begins = fast && !slot.chattering;
        slot.chattering |= fast;
        let (chattering, condition) = (slot.chattering, slot.condition);
        if begins {
            self.deadlines.push(at.plus_us(MINUTE_US), Due::Chatter(condition));
        }
        chattering
    }

    /// One more occurrence of a chattering alarm that is still open; false if there is none.
    pub(crate) fn reactivate(
        &mut self,
        index: u32,
        (cause, x): (Cause, f64),
        moment: &Moment,
        out: &mut Effects,
    ) -> bool {
        let slot = &mut self.slots.all[self.plan.cells[index as usize].slot as usize];
        let id = slot.episode;
        slot.peak = slot.peak.max(x);
        let from = self.shown(id);
        let Some(episode) = self.episodes.open.get_mut(&id) else { return false };
        let begins = !std::mem::replace(&mut episode.chattering, true);
        episode.active = true;
        episode.latched = false;
        episode.returned_at = None;
        episode.occurrences = episode.occurrences.saturating_add(1);
        self.tally.count(Annunciation::Chattering);
        let annunciation = Annunciation::Chattering;
        self.emit(id, Told { from, cause, annunciation, moment: *moment, ..Told::default() }, out);
        if begins {
            let from = self.shown(id);
            self.emit(id, Told { from, cause: Cause::ChatterStarted, moment: *moment, ..Told::default() }, out);
        }
        true
    }

    /// Releases a chattering condition after a quiet minute.
    pub(crate) fn chatter_due(&mut self, condition: u32, at: Time, now: Time, out: &mut Effects) {
        let index = self.plan.cell_of[condition as usize];
        let slot = self.plan.cells[index as usize].slot;
        if slot == NO_SLOT || !self.slots.all[slot as usize].chattering {
            return;
        }
        let slot = &mut self.slots.all[slot as usize];
        let quiet = slot.raises.last().map_or(at, |t| t.plus_us(MINUTE_US));
        if quiet > at {
            return self.deadlines.push(quiet, Due::Chatter(condition));
        }
        slot.chattering = false;
        slot.stretch = 0;
        slot.raises.clear();
        let id = slot.episode;
        let from = self.shown(id);
        if let Some(episode) = self.episodes.open.get_mut(&id) {
            episode.chattering = false;
            let moment = Moment::at(now, at);
            self.emit(id, Told { from, cause: Cause::ChatterEnded, moment, ..Told::default() }, out);
        }
        self.arm(index);
        self.release(index);
    }

    /// Keeps an older open episode as a branch. Too many: the oldest is closed, told and counted, never acknowledged.
    pub(crate) fn branch_off(&mut self, id: AlarmId, moment: &Moment, out: &mut Effects) {
        let Some(episode) = self.episodes.open.get_mut(&id) else { return };
        episode.branch = true;
        let condition = episode.condition;
        let list = self.episodes.branches.entry(condition).or_default();
        list.push(id);
        if list.len() <= self.rules.hall.branches_max as usize {
            return;
        }
        let oldest = list.remove(0);
        self.episodes.overflowed += 1;
        let from = self.shown(oldest);
        let note = Some("too many older episodes of this condition are open".to_owned());
        let told = Told { from, cause: Cause::BranchOverflow, moment: *moment, note, ..Told::default() };
        self.emit(oldest, told, out);
        self.episodes.close(oldest);
        self.shelve_requests.remove(&oldest);
    }

    /// Puts the next step of the ladder on the heap.
    pub(crate) fn arm_escalation(&mut self, id: AlarmId) {
        if let Some(due) = self.escalation_due(id) {
            self.deadlines.push(due, Due::Escalate(id.0));
        }
    }

    pub(crate) fn escalation_due(&self, id: AlarmId) -> Option<Time> {
        let episode = self.episodes.open.get(&id).filter(|e| e.acknowledgement.is_none())?;
        let condition = self.rules.conditions.get(episode.condition as usize)?;
        let step = condition.escalation.get(episode.escalation_step as usize)?;
        Some(episode.unacknowledged_since.plus_s(step.after_s.max(0.0)))
    }

    /// Nobody acknowledged in time. Shelved and suppressed alarms climb silently when they come back.
    pub(crate) fn escalate_due(&mut self, alarm: u64, at: Time, now: Time, out: &mut Effects) {
        let id = AlarmId(alarm);
        let Some(due) = self.escalation_due(id) else { return };
        if due != at {
            return;
        }
        let from = self.shown(id);
        let to = self.escalation_target(id);
        let hidden = !self.wants_attention(id);
        if let Some(episode) = self.episodes.open.get_mut(&id) {
            episode.escalation_step += 1;
        }
        let overdue = now.since_us(at) > MINUTE_US;
        let note = if overdue { to.map(|t| format!("{t} (overdue)")) } else { to };
        if !hidden {
            let told = Told { from, cause: Cause::Escalated, moment: Moment::at(now, at), note, ..Told::default() };
            self.emit(id, Told { annunciation: Annunciation::Individual, ..told }, out);
        }
        self.arm_escalation(id);
    }

    fn escalation_target(&self, id: AlarmId) -> Option<String> {
        let episode = self.episodes.open.get(&id)?;
        let condition = self.rules.conditions.get(episode.condition as usize)?;
        condition.escalation.get(episode.escalation_step as usize).map(|s| s.to.to_string())
    }

    /// 1 for the first raise in a group, 2 for the next within a minute of it, and so on.
    pub(crate) fn first_out_rank(&mut self, condition: u32, at: Time) -> u32 {
        let Some(condition) = self.rules.conditions.get(condition as usize) else { return 0 };
        if condition.group.is_empty() || condition.priority == Priority::Diagnostic {
            return 0;
        }
        let (last, rank) = self.first_out.get(&condition.group).copied().unwrap_or((Time::MIN, 0));
        let fresh = last != Time::MIN && at.since_us(last) < FIRST_OUT_US;
        let rank = if fresh { (rank + 1).min(RANKS_MAX) } else { 1 };
        self.first_out.insert(condition.group.clone(), (at, rank));
        rank
    }

    pub(crate) fn flood_began(&mut self, now: Time, out: &mut Effects) {
        if let Some(end) = self.flood.ends() {
            self.deadlines.push(end, Due::Flood);
        }
        let (annunciated, collapsed) = (self.flood.annunciated, self.flood.collapsed);
        self.notice(now, Notice::Flood { desk: DESK.to_owned(), on: true, annunciated, collapsed }, out);
    }

    pub(crate) fn flood_due(&mut self, at: Time, now: Time, out: &mut Effects) {
        if let Some((annunciated, collapsed)) = self.flood.end(at) {
            self.notice(now, Notice::Flood { desk: DESK.to_owned(), on: false, annunciated, collapsed }, out);
        } else if let Some(end) = self.flood.ends() {
            self.deadlines.push(end, Due::Flood);
        }
    }
}
