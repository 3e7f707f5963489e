//! A new immutable revision comes into force while alarms are active.

use std::sync::Arc;

use alarm::{AlarmId, Cause, Condition, Process, RuleSet, State, TagSettings, Verdict};
use model::{Actor, Quality, Time};

use crate::clock::TagState;
use crate::emit::Told;
use crate::engine::{Engine, Moment};
use crate::plan::{Cell, NO_SLOT, Plan, is_limit};
use crate::watch::Base;
use crate::{Effects, Notice};

impl Engine {
    /// Puts a revision into force. An identical one is a no-op (invariant 18).
    pub(crate) fn activate(&mut self, now: Time, rules: &Arc<RuleSet>, actor: &Actor, out: &mut Effects) {
        if **rules == *self.rules {
            return;
        }
        let rules = &complete(rules, &self.rules);
        let looks = self.looks();
        let windows = std::mem::take(&mut self.windows);
        let old = std::mem::replace(&mut self.rules, rules.clone());
        self.rebuild_plan();
        self.adopt_windows(windows);
        self.adopt_looks(&looks);
        let mut retired = 0;
        for number in 0..self.rules.conditions.len() {
            let new = &self.rules.conditions[number];
            if old.conditions.get(number) == Some(new) {
                continue;
            }
            if new.retired {
                retired += u64::from(self.retire(number as u32, now, actor, out));
            } else {
                self.reevaluate(number as u32, now, actor, out);
            }
        }
        let (revision, conditions) = (self.rules.revision, self.rules.conditions.len() as u64);
        self.notice(now, Notice::RulesActivated { revision, conditions, retired }, out);
        self.rebuild_deadlines();
    }

    /// After a restore under other rules: every condition that runs is judged by the new ones.
    pub(crate) fn settle_edits(&mut self, now: Time, out: &mut Effects) {
        if !std::mem::take(&mut self.edited) {
            return;
        }
        let running = |n: &u32| self.plan.cells[self.plan.cell_of[*n as usize] as usize].slot != NO_SLOT;
        let numbers: Vec<u32> = (0..self.plan.cell_of.len() as u32).filter(running).collect();
        for number in numbers {
            if self.rules.conditions[number as usize].retired {
                self.retire(number, now, &Actor::system(), out);
            } else {
                self.reevaluate(number, now, &Actor::system(), out);
            }
        }
    }

    /// Lays the cells out anew; running state moves over by condition number.
    pub(crate) fn rebuild_plan(&mut self) {
        let plan = Plan::new(&self.rules);
        let old = std::mem::replace(&mut self.plan, plan);
        for cell in &mut self.plan.cells {
            if let Some(&index) = old.cell_of.get(cell.condition as usize) {
                let before: &Cell = &old.cells[index as usize];
                cell.process = before.process;
                cell.slot = before.slot;
                cell.flags |= before.flags & !crate::plan::CELL_RETIRED;
            }
        }
        self.future_us = crate::plan::micros(self.rules.hall.future_s);
        self.plan.lay_out(&self.rules, &mut self.tags);
    }

    /// The rule is gone: the process part ends with that cause, but the alarm still needs its acknowledgement.
    fn retire(&mut self, number: u32, now: Time, actor: &Actor, out: &mut Effects) -> bool {
        let index = self.plan.cell_of[number as usize];
        let ids = self.open_of(number);
        self.end_process(index, now);
        for id in &ids {
            let from = self.shown(*id);
            if let Some(episode) = self.episodes.open.get_mut(id) {
                episode.retired = true;
                episode.latched = false;
                episode.returned_at = episode.returned_at.or(Some(now));
                episode.active = false;
            }
            self.tell_edit(*id, (from, Cause::Retired), (now, actor), out);
        }
        self.release(index);
        true
    }

    fn end_process(&mut self, index: u32, _now: Time) {
        let cell = &mut self.plan.cells[index as usize];
        cell.process = Process::Normal;
        if cell.slot != NO_SLOT {
            self.save_peak(index);
        }
    }

    fn tell_edit(
        &mut self,
        id: AlarmId,
        (from, cause): (State, Cause),
        (now, actor): (Time, &Actor),
        out: &mut Effects,
    ) {
        let actor = Some(actor.clone());
        self.emit(id, Told { from, cause, actor, moment: Moment::at(now, now), ..Told::default() }, out);
        self.close_if_done(id);
    }

    /// Judges the last value by the new rule at once, in the same episode, with the edit as cause.
    fn reevaluate(&mut self, number: u32, now: Time, actor: &Actor, out: &mut Effects) {
        let index = self.plan.cell_of[number as usize];
        let condition = &self.rules.conditions[number as usize];
        let tag = self.tags.get(condition.tag.0 as usize).copied().unwrap_or(TagState::EMPTY);
        let slot = self.plan.cells[index as usize].slot;
        let id = self.slots.all.get(slot as usize).map_or(AlarmId(0), |s| s.episode);
        let from = self.shown(id);
        if is_limit(&condition.kind) && tag.is_known() {
            let base = self.base(number, index, &tag);
            let ended = is_cleared(&self.plan.cells[index as usize], &tag);
            let is_active = self.plan.cells[index as usize].process.is_active();
            let moment = Moment { at: tag.instants(), fresh: false, ..Moment::at(now, now) };
            match (base.process.is_active(), is_active) {
                // Never shown as a recovery: the value did not move, the limit did.
                (_, true) if ended && base.process != Process::PendingOff => {
                    return self.edit_ends(index, (id, from), (&moment, actor), out);
                }
                (true, false) if !ended => return self.edit_reopens(index, base, (&moment, actor), out),
                (true, true) => self.resume(index, base),
                (false, _) => self.judge_last(index, base, &moment, out),
                (true, false) => {}
            }
        }
        self.arm(index);
        if id != AlarmId(0) {
            self.tell_edit(id, (from, Cause::RuleEdited), (now, actor), out);
        }
    }

    /// Where the condition stood before the first edit since its tag's last reading.
    fn base(&mut self, number: u32, index: u32, tag: &TagState) -> Base {
        let cell = self.plan.cells[index as usize];
        let since = self.slots.all.get(cell.slot as usize).map_or(tag.instants(), |s| s.since);
        let now = Base { process: cell.process, since, received: tag.received };
        let kept = self.watch.bases.entry(number).or_insert(now);
        if kept.received != tag.received {
            *kept = now;
        }
        *kept
    }

    fn edit_ends(
        &mut self,
        index: u32,
        (id, from): (AlarmId, State),
        (moment, actor): (&Moment, &Actor),
        out: &mut Effects,
    ) {
        self.set_process(index, Process::Normal);
        self.save_peak(index);
        if let Some(episode) = self.episodes.open.get_mut(&id) {
            episode.active = false;
            episode.returned_at = Some(moment.now);
        }
        self.tell_edit(id, (from, Cause::RuleEdited), (moment.now, actor), out);
        self.release(index);
    }

    /// The edit that ended it was undone before the value moved: the same episode if it is still open, else a new one.
    fn edit_reopens(&mut self, index: u32, base: Base, (moment, actor): (&Moment, &Actor), out: &mut Effects) {
        let slot = self.slot_of(index) as usize;
        let id = self.slots.all[slot].episode;
        let from = self.shown(id);
        if let Some(episode) = self.episodes.open.get_mut(&id) {
            episode.active = true;
            episode.returned_at = None;
            self.tell_edit(id, (from, Cause::RuleEdited), (moment.now, actor), out);
        } else {
            let x = self.oriented_value(index);
            self.raise(index, (Cause::RuleEdited, x), moment, out);
        }
        self.resume(index, base);
    }

    /// Goes on from where it stood, with its running delay.
    fn resume(&mut self, index: u32, base: Base) {
        let slot = self.slot_of(index) as usize;
        self.slots.all[slot].since = base.since;
        self.set_process(index, base.process);
        let (x, moment) = (self.oriented_value(index), Moment::at(base.received, base.received));
        let cell = &self.plan.cells[index as usize];
        if base.process == Process::PendingOff && !(x < cell.limit && x <= cell.clear) {
            self.set_process(index, Process::Active);
        } else if base.process == Process::Active {
            self.slots.all[slot].since = moment.at;
        }
        self.arm(index);
    }

    /// A condition that was not active sees the last value as a sample, its running delay kept.
    fn judge_last(&mut self, index: u32, base: Base, moment: &Moment, out: &mut Effects) {
        let x = self.oriented_value(index);
        let cell = self.plan.cells[index as usize];
        let unknown = self.tag_state(cell.condition).quality == Quality::Bad as u8;
        let verdict = match (unknown, x >= cell.limit, x <= cell.clear) {
            (true, ..) => Verdict::Unknown,
            (_, true, _) => Verdict::Violated,
            (_, _, true) => Verdict::Cleared,
            _ => Verdict::Between,
        };
        if base.process == Process::PendingOn && verdict == Verdict::Violated && cell.process == Process::Normal {
            let slot = self.slot_of(index) as usize;
            self.slots.all[slot].since = base.since;
            self.set_process(index, Process::PendingOn);
            self.arm(index);
        }
        self.sample(index, (verdict, x), moment, out);
    }
}

/// Numbers are append-only: what a revision leaves out is kept as retired with its old text and tag, so that an alarm of
/// it that still waits for somebody says what it was. What is in force and what is kept in files is complete.
pub fn complete(new: &Arc<RuleSet>, old: &RuleSet) -> Arc<RuleSet> {
    let mut whole = (**new).clone();
    let gone = |c: &Condition| Condition { retired: true, ..c.clone() };
    for (condition, before) in whole.conditions.iter_mut().zip(&old.conditions).filter(|(c, _)| c.retired) {
        *condition = gone(before);
    }
    for (tag, before) in whole.tags.iter_mut().zip(&old.tags).filter(|(t, _)| t.retired) {
        *tag = TagSettings { retired: true, ..before.clone() };
    }
    let (tags, conditions) = (whole.tags.len(), whole.conditions.len());
    whole.conditions.extend(old.conditions.iter().skip(conditions).map(gone));
    whole.tags.extend(old.tags.iter().skip(tags).map(|t| TagSettings { retired: true, ..t.clone() }));
    Arc::new(whole)
}

fn is_cleared(cell: &Cell, tag: &TagState) -> bool {
    let x = if cell.low { -tag.value } else { tag.value };
    tag.is_known() && tag.quality != Quality::Bad as u8 && x < cell.limit && x <= cell.clear
}
