//! Setting alarms aside for a time: by one person, or by two if it is of priority I; never without an end.

use alarm::{AlarmId, Cause, ShelveRequest, Shelving, State};
use model::{Actor, Priority, Time};

use crate::command::required;
use crate::deadline::Due;
use crate::engine::{Engine, Moment};
use crate::plan::SHELVED;
use crate::{Effects, Notice, Refusal};

/// A request to shelve that nobody agreed to in this time is void, seconds.
const AGREE_WITHIN_S: f64 = 600.0;

impl Engine {
    pub(crate) fn shelve(
        &mut self,
        now: Time,
        id: AlarmId,
        actor: &Actor,
        (for_s, reason): (Option<f64>, &str),
    ) -> Result<(Cause, Option<String>), Refusal> {
        required(reason, "reason")?;
        let max = self.rules.hall.shelve_max_s;
        let length = for_s.unwrap_or(max);
        if !(length > 0.0 && length <= max) {
            let problem = format!("is {length} s, must be above 0 and at most {max} s");
            return Err(Refusal::FieldInvalid { field: "for_s".into(), problem });
        }
        let refusal = self.state_refusal(id);
        let condition = self.episodes.open.get(&id).map(|e| e.condition).ok_or_else(|| refusal.clone())?;
        if self.shelved.contains_key(&condition) {
            return Err(refusal);
        }
        if let Some(request) = self.must_agree(now, id, actor, (for_s, reason))? {
            self.shelve_requests.insert(id, request);
            return Ok((Cause::ShelveRequested, Some(reason.to_owned())));
        }
        self.shelve_requests.remove(&id);
        let until = now.plus_s(length);
        let shelving = Shelving { by: actor.clone(), until, one_shot: for_s.is_none(), reason: reason.to_owned() };
        self.shelved.insert(condition, shelving);
        self.mark_shelved(condition, true);
        self.deadlines.push(until, Due::Shelve(condition));
        Ok((Cause::Shelved, Some(reason.to_owned())))
    }

    /// An alarm of priority I is set aside by two people (A4): the first asks, the second agrees, for no longer than was
    /// asked. The request to keep; none: it may be shelved now.
    fn must_agree(
        &self,
        now: Time,
        id: AlarmId,
        actor: &Actor,
        (for_s, reason): (Option<f64>, &str),
    ) -> Result<Option<ShelveRequest>, Refusal> {
        if self.record(id).is_none_or(|r| r.priority != Priority::I) {
            return Ok(None);
        }
        let Some(asked) = self.shelve_requests.get(&id).filter(|r| now < r.until) else {
            let until = now.plus_s(AGREE_WITHIN_S);
            return Ok(Some(ShelveRequest { by: actor.clone(), until, for_s, reason: reason.to_owned() }));
        };
        if asked.by.account == actor.account {
            return Err(Refusal::SecondPerson { id: id.to_string(), account: actor.account.clone() });
        }
        let longest = asked.for_s.unwrap_or(self.rules.hall.shelve_max_s);
        if for_s.unwrap_or(self.rules.hall.shelve_max_s) > longest {
            let problem = format!("is longer than the {longest} s that {} asked for", asked.by.name);
            return Err(Refusal::FieldInvalid { field: "for_s".into(), problem });
        }
        Ok(None)
    }

    pub(crate) fn mark_shelved(&mut self, condition: u32, on: bool) {
        if let Some(&index) = self.plan.cell_of.get(condition as usize) {
            let flags = &mut self.plan.cells[index as usize].flags;
            *flags = if on { *flags | SHELVED } else { *flags & !SHELVED };
        }
    }

    pub(crate) fn unshelve(&mut self, id: AlarmId, reason: &str) -> Result<(Cause, Option<String>), Refusal> {
        let refusal = self.state_refusal(id);
        let condition = self.episodes.open.get(&id).map(|e| e.condition).ok_or_else(|| refusal.clone())?;
        if self.shelved.remove(&condition).is_none() {
            return Err(refusal);
        }
        self.mark_shelved(condition, false);
        Ok((Cause::Unshelved, (!reason.is_empty()).then(|| reason.to_owned())))
    }

    /// A shelving ran out; if its alarm still needs somebody, it sounds again.
    pub(crate) fn shelve_due(&mut self, condition: u32, at: Time, now: Time, out: &mut Effects) {
        if self.shelved.get(&condition).is_none_or(|s| s.until != at) {
            return;
        }
        let ids = self.open_of(condition);
        let before: Vec<State> = ids.iter().map(|&id| self.shown(id)).collect();
        self.shelved.remove(&condition);
        self.mark_shelved(condition, false);
        for (id, from) in ids.iter().zip(before) {
            self.tell_again((*id, from), Cause::ShelveExpired, Moment::at(now, at), out);
        }
        if ids.is_empty() {
            let key = self.key_of(condition);
            self.notice(now, Notice::ShelveExpired { condition: key.to_string() }, out);
        }
    }

    /// A one-shot shelving ends with the episode.
    pub(crate) fn end_one_shot(&mut self, condition: u32) {
        if self.shelved.get(&condition).is_some_and(|s| s.one_shot) {
            self.shelved.remove(&condition);
            self.mark_shelved(condition, false);
        }
    }
}
