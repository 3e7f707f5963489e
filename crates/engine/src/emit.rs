//! Facts: numbering them, and building the record of an alarm, which happens only on a transition.

use std::sync::Arc;

use alarm::{
    AlarmId, AlarmRecord, Annunciation, Cause, Condition, ConditionIndex, ConditionKind, Regions, State, TagSettings,
    Transition,
};
use model::{Actor, Priority, TagIndex, Time};

use crate::clock::TagState;
use crate::diagnostic;
use crate::engine::{Engine, Moment};
use crate::episode::Episode;
use crate::plan::{SHELVED, SUPPRESSED};
use crate::{Effects, Fact, FactBody, Notice};

/// What is said about one transition besides the alarm itself.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub from: State,
    pub cause: Cause,
    pub annunciation: Annunciation,
    pub moment: Moment,
    pub actor: Option<Actor>,
    pub note: Option<String>,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            from: State::Normal,
            cause: Cause::Raised,
            annunciation: Annunciation::None,
            moment: Moment::at(Time(0), Time(0)),
            actor: None,
            note: None,
        }
    }
}

/// Causes after which a person's earlier view of the alarm is no longer good enough to act on.
const fn guards(cause: Cause) -> bool {
    !matches!(
        cause,
        Cause::Commented
            | Cause::Escalated
            | Cause::LevelChanged
            | Cause::Recovered
            | Cause::ChatterStarted
            | Cause::ChatterEnded
            | Cause::DataLost
            | Cause::DataReturned
            | Cause::RetrospectiveExcursion
    )
}

impl Engine {
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    pub(crate) fn push_fact(&mut self, now: Time, body: FactBody, out: &mut Effects) -> u64 {
        let seq = self.next_seq();
        out.facts.push(Fact { seq, at: now, body });
        seq
    }

    pub(crate) fn notice(&mut self, now: Time, notice: Notice, out: &mut Effects) -> u64 {
        self.push_fact(now, FactBody::Notice(notice), out)
    }

    /// Writes one transition of an open episode; returns its number, or 0 if there is no such episode.
    pub(crate) fn emit(&mut self, id: AlarmId, told: Told, out: &mut Effects) -> u64 {
        let seq = self.seq + 1;
        let tag = self.episodes.open.get(&id).map_or(TagState::EMPTY, |e| self.tag_state(e.condition));
        let Some(episode) = self.episodes.open.get_mut(&id) else { return 0 };
        episode.seq = seq;
        // A chattering alarm's repeats must not make it impossible to acknowledge.
        if guards(told.cause) && told.annunciation != Annunciation::Chattering {
            episode.guard = seq;
        }
        if episode.active && tag.is_known() && !episode.branch {
            episode.value = tag.value;
            episode.quality = model::Quality::from_u8(tag.quality);
            episode.source_time = tag.source;
        }
        episode.last_by = told.actor.as_ref().map_or_else(|| Actor::system().name, |a| a.name.clone());
        episode.last_at = told.moment.now;
        let Some(alarm) = self.record(id) else { return 0 };
        let Told { from, cause, annunciation, moment, actor, note } = told;
        let transition = Transition {
            alarm,
            from,
            cause,
            actor,
            note,
            event_time: moment.at.effective,
            detected_at: moment.now,
            annunciation,
            replayed: moment.replayed,
            late: moment.late,
        };
        let news = crate::work::News::of(&transition);
        let seq = self.push_fact(moment.now, FactBody::Alarm(Box::new(transition)), out);
        if let Some(news) = news {
            self.work_alarm(moment.now, &news, out);
        }
        seq
    }

    /// The primary tag's newest reading.
    pub(crate) fn tag_state(&self, condition: u32) -> TagState {
        let tag = self.rules.conditions.get(condition as usize).map(|c| c.tag.0 as usize);
        tag.and_then(|t| self.tags.get(t)).copied().unwrap_or(TagState::EMPTY)
    }

    pub(crate) fn regions(&self, episode: &Episode) -> Regions {
        let mut regions = episode.regions();
        if let Some(&index) = self.plan.cell_of.get(episode.condition as usize) {
            let cell = &self.plan.cells[index as usize];
            let tag = self.rules.conditions[cell.condition as usize].tag.0;
            regions.shelved = cell.flags & SHELVED != 0;
            regions.suppressed = cell.flags & SUPPRESSED != 0;
            regions.out_of_service = self.services.contains_key(&tag);
        } else {
            regions.shelved = self.shelved.contains_key(&episode.condition);
        }
        regions
    }

    /// The shown state of an episode; normal if it is closed.
    pub(crate) fn shown(&self, id: AlarmId) -> State {
        self.episodes.open.get(&id).map_or(State::Normal, |e| self.regions(e).project())
    }

    /// The peak now: the running one of an active current episode, else the stored one.
    fn peak(&self, id: AlarmId, episode: &Episode) -> f64 {
        let Some(&index) = self.plan.cell_of.get(episode.condition as usize) else { return episode.peak };
        let cell = &self.plan.cells[index as usize];
        match self.slots.all.get(cell.slot as usize) {
            Some(slot) if episode.active && slot.episode == id && slot.peak.is_finite() => {
                if cell.low {
                    -slot.peak
                } else {
                    slot.peak
                }
            }
            _ => episode.peak,
        }
    }

    /// Builds what a console needs to draw the alarm.
    pub(crate) fn record(&self, id: AlarmId) -> Option<AlarmRecord> {
        let e = self.episodes.open.get(&id)?;
        let about = self.about(e.condition);
        let regions = self.regions(e);
        Some(AlarmRecord {
            alarm_id: id,
            seq: e.seq,
            condition: ConditionIndex(e.condition),
            condition_key: about.key,
            tag: about.tag,
            enterprise: about.enterprise,
            tag_name: about.tag_name,
            state: regions.project(),
            active: e.active,
            acknowledged: e.acknowledgement.is_some(),
            priority: about.priority,
            level: about.level,
            value: e.value,
            peak: self.peak(id, e),
            limit: about.limit,
            unit: about.unit,
            quality: e.quality,
            source_time: e.source_time,
            raised_at: e.raised_at,
            returned_at: e.returned_at,
            acknowledgement: e.acknowledgement.clone(),
            shelving: self.shelved.get(&e.condition).cloned(),
            shelve_request: self.shelve_requests.get(&id).cloned(),
            suppressed_by: self.suppressed_by(e),
            occurrences: e.occurrences,
            chattering: e.chattering,
            data_lost: e.data_lost,
            escalation_step: e.escalation_step,
            first_out: e.first_out,
            group: about.group,
            class: about.class,
            message_zh: about.message_zh,
            message_en: about.message_en,
            retired: e.retired,
            rule_revision: self.rules.revision,
        })
    }

    fn suppressed_by(&self, episode: &Episode) -> Vec<Arc<str>> {
        let regions = self.regions(episode);
        let mut reasons: Vec<Arc<str>> = Vec::new();
        if regions.suppressed {
            reasons.push("design".into());
        }
        if regions.out_of_service {
            reasons.push("out_of_service".into());
        }
        reasons.extend(episode.parent.clone());
        reasons
    }

    fn about(&self, condition: u32) -> About {
        let found = self.rules.conditions.get(condition as usize);
        let Some(c) = found else { return diagnostic::about(condition) };
        match self.rules.tags.get(c.tag.0 as usize) {
            Some(settings) => About::of(c, Some(settings)),
            None => About::of(c, None),
        }
    }
}

/// What the rules say about a condition; text is shared.
pub(crate) struct About {
    pub key: Arc<str>,
    pub tag: TagIndex,
    pub enterprise: Arc<str>,
    pub tag_name: Arc<str>,
    pub unit: Arc<str>,
    pub priority: Priority,
    pub level: Arc<str>,
    pub limit: Option<f64>,
    pub group: Arc<str>,
    pub class: Arc<str>,
    pub message_zh: Arc<str>,
    pub message_en: Arc<str>,
}

impl About {
    fn of(c: &Condition, settings: Option<&TagSettings>) -> Self {
        let (level, limit) = level(&c.kind);
        Self {
            key: c.key.clone(),
            tag: c.tag,
            enterprise: settings.map_or_else(|| "".into(), |s| s.enterprise.clone()),
            tag_name: settings.map_or_else(|| "".into(), |s| s.tag.clone()),
            unit: settings.map_or_else(|| "".into(), |s| s.unit.clone()),
            priority: c.priority,
            level: level.into(),
            limit,
            group: c.group.clone(),
            class: c.class.clone(),
            message_zh: c.message_zh.clone(),
            message_en: c.message_en.clone(),
        }
    }
}

fn level(kind: &ConditionKind) -> (&'static str, Option<f64>) {
    use ConditionKind as K;
    match kind {
        K::HighHigh(limit) => ("hh", Some(*limit)),
        K::High(limit) => ("h", Some(*limit)),
        K::Low(limit) => ("l", Some(*limit)),
        K::LowLow(limit) => ("ll", Some(*limit)),
        K::Rate { per_s, .. } => ("rate", Some(*per_s)),
        K::Expression(_) => ("rule", None),
        K::Stale => ("stale", None),
        K::Stuck => ("stuck", None),
        K::OutOfRange => ("out_of_range", None),
        K::Unknown => ("unknown", None),
        K::Inconsistent(_) => ("inconsistent", None),
    }
}
