//! What people do: acknowledge, shelve, reset, comment, service, work. A refusal changes nothing.

use std::collections::{BTreeMap, VecDeque};

use alarm::{Acknowledgement, AlarmId, Annunciation, Cause, State};
use model::{Actor, Priority, Time};
use response::Provenance;
use serde::{Deserialize, Serialize};

use crate::clock::SERVICE;
use crate::deadline::Due;
use crate::emit::Told;
use crate::engine::{Engine, Moment};
use crate::theatre::is_played;
use crate::{AlarmAction, Command, CommandKind, Effects, Event, Notice, Outcome, Refusal};

/// Keys remembered; a client that repeats a command later than this many others gets a conflict instead of a repeat.
const KEYS_MAX: usize = 4_096;

/// The newest idempotency keys and their answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Keys {
    order: VecDeque<String>,
    answers: BTreeMap<String, Outcome>,
    /// Keys forgotten because there were too many.
    pub forgotten: u64,
}

impl Keys {
    fn get(&self, key: &str) -> Option<Outcome> {
        self.answers.get(key).cloned()
    }

    fn remember(&mut self, key: &str, outcome: &Outcome) {
        if key.is_empty() {
            return;
        }
        if self.order.len() == KEYS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
            self.forgotten += 1;
        }
        self.order.push_back(key.to_owned());
        self.answers.insert(key.to_owned(), outcome.clone());
    }
}

/// A tag out of service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Permit number.
    pub permit: String,
    /// End of the permit.
    pub until: Time,
    /// Who took it out.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

pub(crate) fn required(text: &str, field: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() { Err(Refusal::FieldRequired { field: field.to_owned() }) } else { Ok(()) }
}

fn is_played_command(kind: &CommandKind) -> bool {
    matches!(kind, CommandKind::Alarm { alarm, .. } if is_played(*alarm))
}

pub(crate) type Answer = Result<Outcome, Refusal>;

impl Engine {
    pub(crate) fn command(&mut self, now: Time, command: &Command, out: &mut Effects) {
        if let Some(first) = self.keys.get(&command.key) {
            out.reply = Some(Ok(Outcome { repeated: true, ..first }));
            return;
        }
        if is_played_command(&command.kind) && self.theatre.engine.is_some() {
            self.in_theatre(now, &Event::Operator(command.clone()), out);
            return self.remember_reply(command, out);
        }
        let answer = match &command.kind {
            CommandKind::Alarm { alarm, seq, action } => {
                self.alarm_command(now, (*alarm, *seq), (&command.actor, action), out)
            }
            CommandKind::Service { .. } => self.service_command(now, command, out),
            CommandKind::Work(work) => self.work_command(now, &command.actor, work, out),
        };
        let real = !matches!(&command.kind, CommandKind::Work(work) if work.provenance() == Provenance::Exercise);
        if answer.is_ok() && real {
            self.operator_acted(now, &command.actor, out);
        }
        out.reply = Some(answer);
        self.remember_reply(command, out);
    }

    fn remember_reply(&mut self, command: &Command, out: &Effects) {
        if let Some(Ok(outcome)) = &out.reply {
            self.keys.remember(&command.key, outcome);
        }
    }

    fn alarm_command(
        &mut self,
        now: Time,
        (id, seen): (AlarmId, u64),
        (actor, action): (&Actor, &AlarmAction),
        out: &mut Effects,
    ) -> Answer {
        self.check_seen(id, seen)?;
        let from = self.shown(id);
        let (cause, note) = self.apply(now, id, actor, action)?;
        let sounds = matches!(cause, Cause::Unshelved | Cause::Unacknowledged) && self.wants_attention(id);
        let annunciation = if sounds { Annunciation::Individual } else { Annunciation::None };
        let moment = Moment::at(now, now);
        let told = Told { from, cause, annunciation, moment, actor: Some(actor.clone()), note };
        let seq = self.emit(id, told, out);
        self.close_if_done(id);
        Ok(Outcome { seq, alarm: Some(id), items: Vec::new(), repeated: false })
    }

    /// Active or returned, not acknowledged, and neither shelved nor suppressed.
    pub(crate) fn wants_attention(&self, id: AlarmId) -> bool {
        matches!(self.shown(id), State::Unacknowledged | State::ReturnedUnacknowledged)
    }

    fn check_seen(&self, id: AlarmId, seen: u64) -> Result<(), Refusal> {
        let Some(episode) = self.episodes.open.get(&id) else {
            let closed = self.episodes.closed.iter().rev().find(|c| c.alarm == id);
            return Err(match closed {
                Some(c) => Refusal::AlarmState { alarm: id, state: State::Normal, by: c.by.clone(), since: c.at },
                None => Refusal::NotFound { what: "alarm".into(), id: id.to_string() },
            });
        };
        if seen < episode.guard || seen > episode.seq {
            let by = episode.last_by.clone();
            return Err(Refusal::VersionConflict { id: id.to_string(), seen, current: episode.seq, by });
        }
        Ok(())
    }

    pub(crate) fn state_refusal(&self, id: AlarmId) -> Refusal {
        let (by, since) = self.episodes.open.get(&id).map_or_else(
            || (String::new(), Time(0)),
            |e| match &e.acknowledgement {
                Some(a) => (a.by.name.clone(), a.at),
                None => (e.last_by.clone(), e.last_at),
            },
        );
        Refusal::AlarmState { alarm: id, state: self.shown(id), by, since }
    }

    /// Changes the regions; returns the cause and the note of the transition.
    fn apply(
        &mut self,
        now: Time,
        id: AlarmId,
        actor: &Actor,
        action: &AlarmAction,
    ) -> Result<(Cause, Option<String>), Refusal> {
        match action {
            AlarmAction::Acknowledge { note } => self.acknowledge(now, id, actor, note),
            AlarmAction::Unacknowledge { reason } => self.unacknowledge(now, id, reason),
            AlarmAction::Shelve { for_s, reason } => self.shelve(now, id, actor, (*for_s, reason)),
            AlarmAction::Unshelve { reason } => self.unshelve(id, reason),
            AlarmAction::Reset { reason } => self.reset(id, reason),
            AlarmAction::Comment { text } => {
                required(text, "text")?;
                Ok((Cause::Commented, Some(text.clone())))
            }
        }
    }

    fn acknowledge(
        &mut self,
        at: Time,
        id: AlarmId,
        actor: &Actor,
        note: &str,
    ) -> Result<(Cause, Option<String>), Refusal> {
        let priority = self.record(id).map_or(Priority::Diagnostic, |r| r.priority);
        if priority <= Priority::II {
            required(note, "note")?;
        }
        let refusal = self.state_refusal(id);
        let episode = self.episodes.open.get_mut(&id).ok_or_else(|| refusal.clone())?;
        if episode.acknowledgement.is_some() {
            return Err(refusal);
        }
        episode.acknowledgement = Some(Acknowledgement { by: actor.clone(), at, note: note.to_owned() });
        Ok((Cause::Acknowledged, (!note.is_empty()).then(|| note.to_owned())))
    }

    fn unacknowledge(&mut self, now: Time, id: AlarmId, reason: &str) -> Result<(Cause, Option<String>), Refusal> {
        required(reason, "reason")?;
        let refusal = self.state_refusal(id);
        let episode = self.episodes.open.get_mut(&id).ok_or_else(|| refusal.clone())?;
        if episode.acknowledgement.take().is_none() {
            return Err(refusal);
        }
        episode.unacknowledged_since = now;
        episode.escalation_step = 0;
        self.arm_escalation(id);
        Ok((Cause::Unacknowledged, Some(reason.to_owned())))
    }

    fn reset(&mut self, id: AlarmId, reason: &str) -> Result<(Cause, Option<String>), Refusal> {
        let refusal = self.state_refusal(id);
        let episode = self.episodes.open.get_mut(&id).ok_or_else(|| refusal.clone())?;
        if episode.active || !episode.latched || episode.acknowledgement.is_none() {
            return Err(refusal);
        }
        episode.latched = false;
        Ok((Cause::Reset, (!reason.is_empty()).then(|| reason.to_owned())))
    }

    /// A transition out of shelving or suppression: it sounds if the alarm still needs somebody.
    pub(crate) fn tell_again(&mut self, (id, from): (AlarmId, State), cause: Cause, moment: Moment, out: &mut Effects) {
        let sounds = self.wants_attention(id);
        let annunciation = if sounds { Annunciation::Individual } else { Annunciation::None };
        self.emit(id, Told { from, cause, annunciation, moment, ..Told::default() }, out);
    }

    /// Every open episode of a condition, oldest first.
    pub(crate) fn open_of(&self, condition: u32) -> Vec<AlarmId> {
        let mut ids = self.episodes.branches.get(&condition).cloned().unwrap_or_default();
        if let Some(&index) = self.plan.cell_of.get(condition as usize) {
            let slot = self.plan.cells[index as usize].slot;
            ids.extend(self.slots.all.get(slot as usize).map(|s| s.episode).filter(|id| id.0 != 0));
        } else {
            ids.extend(self.episodes.open.iter().filter(|(_, e)| e.condition == condition).map(|(id, _)| *id));
        }
        ids
    }

    fn service_command(&mut self, now: Time, command: &Command, out: &mut Effects) -> Answer {
        let CommandKind::Service { enterprise, tag, out_of_service, reason } = &command.kind else {
            return Err(Refusal::FieldRequired { field: "service".into() });
        };
        required(reason, "reason")?;
        let index = self.find_tag(enterprise, tag)?;
        if let Some((permit, until)) = out_of_service {
            required(permit, "permit")?;
            if *until <= now {
                return Err(Refusal::FieldInvalid { field: "until".into(), problem: "is in the past".into() });
            }
        } else if !self.services.contains_key(&index) {
            return Err(Refusal::NotFound { what: "service".into(), id: format!("{enterprise}/{tag}") });
        }
        let service = out_of_service.as_ref().map(|(permit, until)| Service {
            permit: permit.clone(),
            until: *until,
            by: command.actor.clone(),
            reason: reason.clone(),
        });
        let seq = self.set_service(index, service, (Moment::at(now, now), Some(&command.actor)), out);
        Ok(Outcome { seq, alarm: None, items: Vec::new(), repeated: false })
    }

    pub(crate) fn find_tag(&self, enterprise: &str, tag: &str) -> Result<u32, Refusal> {
        let found = self.rules.tags.iter().position(|t| &*t.enterprise == enterprise && &*t.tag == tag && !t.retired);
        found
            .map(|i| i as u32)
            .ok_or_else(|| Refusal::NotFound { what: "tag".into(), id: format!("{enterprise}/{tag}") })
    }

    /// Takes a tag out of service or returns it; tells every open alarm of it and leaves one notice.
    pub(crate) fn set_service(
        &mut self,
        tag: u32,
        service: Option<Service>,
        (moment, actor): (Moment, Option<&Actor>),
        out: &mut Effects,
    ) -> u64 {
        let ids = self.open_of_tag(tag);
        let before: Vec<State> = ids.iter().map(|&id| self.shown(id)).collect();
        let cause = if service.is_some() { Cause::OutOfService } else { Cause::ReturnedToService };
        let notice = self.service_notice(tag, service.as_ref());
        if let Some(service) = service {
            self.deadlines.push(service.until, Due::Service(tag));
            self.services.insert(tag, service);
        } else {
            self.services.remove(&tag);
        }
        if let Some(state) = self.tags.get_mut(tag as usize) {
            state.set(SERVICE, cause == Cause::OutOfService);
        }
        for (id, from) in ids.into_iter().zip(before) {
            let sounds = cause == Cause::ReturnedToService && self.wants_attention(id);
            let annunciation = if sounds { Annunciation::Individual } else { Annunciation::None };
            self.emit(id, Told { from, cause, annunciation, moment, actor: actor.cloned(), note: None }, out);
        }
        self.notice(moment.now, notice, out)
    }

    fn service_notice(&self, tag: u32, service: Option<&Service>) -> Notice {
        let settings = self.rules.tags.get(tag as usize);
        Notice::Service {
            enterprise: settings.map_or_else(String::new, |s| s.enterprise.to_string()),
            tag: settings.map_or_else(String::new, |s| s.tag.to_string()),
            permit: service.map(|s| s.permit.clone()),
            until: service.map(|s| s.until),
            reason: service.map_or_else(String::new, |s| s.reason.clone()),
        }
    }

    pub(crate) fn service_due(&mut self, tag: u32, at: Time, now: Time, out: &mut Effects) {
        if self.services.get(&tag).is_some_and(|s| s.until == at) {
            self.set_service(tag, None, (Moment::at(now, at), None), out);
        }
    }

    fn open_of_tag(&self, tag: u32) -> Vec<AlarmId> {
        let of_tag = |e: &crate::episode::Episode| {
            self.rules.conditions.get(e.condition as usize).is_some_and(|c| c.tag.0 == tag)
        };
        self.episodes.open.iter().filter(|(_, e)| of_tag(e)).map(|(id, _)| *id).collect()
    }

    pub(crate) fn key_of(&self, condition: u32) -> std::sync::Arc<str> {
        match self.rules.conditions.get(condition as usize) {
            Some(c) => c.key.clone(),
            None => crate::diagnostic::about(condition).key,
        }
    }
}
