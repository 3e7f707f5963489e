//! What leaves the engine: facts to commit and tell, the answer to a command, and counts.

use alarm::{AlarmId, Annunciation, State, Transition};
use model::{GatewayIndex, TagIndex, Time};
use response::{ItemId, WorkEvent, WorkRefusal};
use serde::{Deserialize, Serialize};

/// What one or more steps produced. Reused between steps; the caller clears it after the commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// Facts in the order of their `seq`: committed first, told second.
    pub facts: Vec<Fact>,
    /// Answer to the operator command of this step.
    pub reply: Option<Result<Outcome, Refusal>>,
    /// What became of the readings.
    pub counts: Counts,
}

/// What became of readings: offered = the sum of all of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Evaluated live.
    pub live: u64,
    /// Late: stored, side-evaluated.
    pub late: u64,
    /// Same (tag, source time, value) or (gateway, seq) seen before: dropped.
    pub duplicate: u64,
    /// Back-filled in order after a reconnect: evaluated in event time.
    pub replayed: u64,
    /// Of a tag the rules do not know, or that is retired: not evaluated.
    pub ignored: u64,
    /// Injected by a drill and seen by its engine; not among what the doors offered.
    pub exercise: u64,
    /// Injected while no drill runs: not evaluated.
    pub exercise_ignored: u64,
}

/// What became of every raise since the state began: `raised` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All raises.
    pub raised: u64,
    /// Sounded by themselves.
    pub annunciated: u64,
    /// While shelved.
    pub shelved: u64,
    /// While suppressed by design or out of service.
    pub suppressed: u64,
    /// Folded: flood, back-fill, or under the alarm of a silent gateway.
    pub collapsed: u64,
    /// Repeats of a chattering alarm.
    pub chattering: u64,
}

impl Tally {
    pub(crate) const fn count(&mut self, annunciation: Annunciation) {
        match annunciation {
            Annunciation::None | Annunciation::Individual => self.annunciated += 1,
            Annunciation::Shelved => self.shelved += 1,
            Annunciation::Suppressed => self.suppressed += 1,
            Annunciation::Collapsed => self.collapsed += 1,
            Annunciation::Chattering => self.chattering += 1,
        }
    }
}

/// One fact with its number in the one stream of the hall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Gap-free, from 1; assigned by the engine.
    pub seq: u64,
    /// When the engine found out.
    pub at: Time,
    /// What.
    pub body: FactBody,
}

/// What a fact says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FactBody {
    /// An alarm changed.
    Alarm(Box<Transition>),
    /// An item of a work system changed.
    Work(Box<WorkEvent>),
    /// Something about the measuring system that people should know and find later.
    Notice(Notice),
    /// The same of a drill: shown as exercise, never told to anything real.
    Exercise(Box<FactBody>),
}

/// Things worth a line in the journal that are not alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// A device counter jumped.
    SequenceGap { gateway: GatewayIndex, tag: TagIndex, expected: u64, got: u64 },
    /// Same counter, different value: both kept for review.
    SequenceConflict { gateway: GatewayIndex, tag: TagIndex, seq: u64 },
    /// A gateway's clock stepped; evaluated on our clock from here.
    ClockStep { gateway: GatewayIndex, by_us: i64 },
    /// Flood mode of a desk began or ended.
    Flood { desk: String, on: bool, annunciated: u64, collapsed: u64 },
    /// Net outcome of a back-fill.
    Backfill { gateway: GatewayIndex, readings: u64, raised: u64, recovered: u64 },
    /// A rule revision came into force.
    RulesActivated { revision: u64, conditions: u64, retired: u64 },
    /// The program was down.
    Restarted { down_at: Time, up_at: Time },
    /// A tag was taken out of service under a permit, or returned (no permit).
    Service { enterprise: String, tag: String, permit: Option<String>, until: Option<Time>, reason: String },
    /// A late reading would have alarmed; live state was not touched.
    RetrospectiveExcursion { condition: String, value: f64, source_time: Time },
    /// A shelving ran out while its condition had no open alarm.
    ShelveExpired { condition: String },
    /// Settings of the work systems came into force: how many of each.
    WorkSettings { profile: u64, parties: u64, plans: u64, crews: u64 },
    /// The first drill began, or the last one ended: exercise alarms are possible, or gone.
    Exercise { on: bool },
    /// A link changed.
    Link { scope: String, up: bool, reason: String },
}

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Number of the fact that records it.
    pub seq: u64,
    /// The alarm it was about.
    pub alarm: Option<AlarmId>,
    /// The items it made or changed, the one it was about first.
    pub items: Vec<ItemId>,
    /// A repeat of a key already carried out: nothing happened twice.
    pub repeated: bool,
}

/// Why a command was not carried out; nothing changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// No such alarm, order or tag.
    #[error("there is no {what} {id}")]
    NotFound { what: String, id: String },
    /// The alarm's state does not allow it.
    #[error("alarm {alarm} is {state:?} since {since:?} by {by}")]
    AlarmState { alarm: AlarmId, state: State, by: String, since: Time },
    /// Somebody was faster.
    #[error("{id} changed: you saw seq {seen}, it is {current}, by {by}")]
    VersionConflict { id: String, seen: u64, current: u64, by: String },
    /// Another person must do it.
    #[error("{id}: another person than {account} must agree")]
    SecondPerson { id: String, account: String },
    /// A required field is empty.
    #[error("{field} is required")]
    FieldRequired { field: String },
    /// A value is out of bounds.
    #[error("{field}: {problem}")]
    FieldInvalid { field: String, problem: String },
    /// A work system refuses.
    #[error(transparent)]
    Work(#[from] WorkRefusal),
}
