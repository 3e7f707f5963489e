//! What every work system keeps: an item of one kind, in one state of its flow, with its fields, links and deadlines.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Actor, Time};
use serde::{Deserialize, Serialize};

use crate::Value;

/// A word of a flow table: a state, an action, a field, a deadline, a relation.
pub type Name = Arc<str>;

/// Values by the field's name.
pub type Fields = BTreeMap<Name, Value>;

/// Entries kept in an item; older ones are in the journal.
pub const LOG_MAX: usize = 100;

/// Which flow an item follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 指令.
    Order,
    /// 班次.
    Shift,
    /// 换班.
    Swap,
    /// 交接班.
    Handover,
    /// 查岗.
    RollCall,
    /// One target of a roll-call.
    Call,
    /// 隐患.
    HiddenDanger,
    /// 事故/险情.
    Incident,
    /// 整改项 of a review.
    Lesson,
    /// 演练.
    Drill,
    /// A line of the duty log.
    Note,
    /// 值守提醒.
    Vigilance,
}

impl Kind {
    /// Every kind, in the order of [`crate::FLOWS`].
    pub const ALL: [Self; 12] = [
        Self::Order,
        Self::Shift,
        Self::Swap,
        Self::Handover,
        Self::RollCall,
        Self::Call,
        Self::HiddenDanger,
        Self::Incident,
        Self::Lesson,
        Self::Drill,
        Self::Note,
        Self::Vigilance,
    ];

    /// The letter that its ids begin with.
    pub const fn prefix(self) -> char {
        match self {
            Self::Order => 'O',
            Self::Shift => 'S',
            Self::Swap => 'W',
            Self::Handover => 'B',
            Self::RollCall => 'R',
            Self::Call => 'C',
            Self::HiddenDanger => 'H',
            Self::Incident => 'X',
            Self::Lesson => 'L',
            Self::Drill => 'D',
            Self::Note => 'N',
            Self::Vigilance => 'V',
        }
    }

    /// Its name on wires and in SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Shift => "shift",
            Self::Swap => "swap",
            Self::Handover => "handover",
            Self::RollCall => "roll_call",
            Self::Call => "call",
            Self::HiddenDanger => "hidden_danger",
            Self::Incident => "incident",
            Self::Lesson => "lesson",
            Self::Drill => "drill",
            Self::Note => "note",
            Self::Vigilance => "vigilance",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|k| k.name() == s).ok_or(())
    }
}

/// Dense within its kind, from 1 (exercises: above [`EXERCISE_FROM`]), never reused; shown as `O-000123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemId {
    /// Which flow.
    pub kind: Kind,
    /// Which one.
    pub number: u64,
}

/// Items of an exercise are numbered above this: a drill takes no number from what is real, and an id alone says which.
pub const EXERCISE_FROM: u64 = 900_000_000;

impl ItemId {
    /// Whether it is real or of an exercise.
    pub const fn provenance(self) -> Provenance {
        if self.number > EXERCISE_FROM { Provenance::Exercise } else { Provenance::Real }
    }
}

impl std::fmt::Display for ItemId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{:06}", self.kind.prefix(), self.number)
    }
}

impl std::str::FromStr for ItemId {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        let (prefix, number) = s.split_once('-').ok_or(())?;
        let kind = Kind::ALL.into_iter().find(|k| prefix.chars().eq([k.prefix()])).ok_or(())?;
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits).ok_or(())?;
        Ok(Self { kind, number })
    }
}

/// Whether something happened or was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// It is so.
    #[default]
    Real,
    /// Part of a drill: never leaves by a real outlet.
    Exercise,
}

/// A relation to an alarm, a tag, a camera or another item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// `alarm`, `incident`, `order`, `tag`, `camera`, `recurrence_of`, `drill`, `hidden_danger`, `roll_call`, `shift`,
    /// `handover`, `plan_task`.
    pub rel: Name,
    /// `A-000012`, `X-000001`, `enterprise/tag`, a camera id.
    pub to: String,
}

impl Link {
    /// A relation.
    pub fn new(rel: &str, to: impl Into<String>) -> Self {
        Self { rel: rel.into(), to: to.into() }
    }
}

/// An absolute deadline; overdue colouring derives from this only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Its name in the flow table.
    pub name: Name,
    /// When it is due.
    pub at: Time,
    /// Steps of its ladder already fired; above 0: overdue since `at`.
    pub rung: u8,
    /// When the next step fires; none: the ladder is exhausted.
    pub next: Option<Time>,
    /// Key of the profile value it came from; empty: given by a person.
    pub profile: Name,
}

impl Deadline {
    /// Since when it is overdue, once that was told.
    pub fn overdue_since(&self) -> Option<Time> {
        (self.rung > 0).then_some(self.at)
    }
}

/// A file that belongs to an entry; the bytes are stored by their hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// SHA-256 in hex.
    pub id: String,
    /// Name as given, made harmless at the door.
    pub name: String,
    /// By its magic bytes.
    pub media_type: String,
    /// Size.
    pub bytes: u64,
}

/// One step in an item's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Stream number.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// What.
    pub action: Name,
    /// State before; empty for the first entry.
    pub from: Name,
    /// State after.
    pub to: Name,
    /// By whom.
    pub by: Actor,
    /// Reason or text.
    pub note: String,
    /// Fields given with it.
    pub fields: Fields,
    /// Files given with it.
    pub attachments: Vec<Attachment>,
}

/// An item as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Which.
    pub id: ItemId,
    /// Stream number of its last change; commands carry it back.
    pub seq: u64,
    /// State, a word of its flow.
    pub state: Name,
    /// One line for lists.
    pub title: String,
    /// Real or played.
    pub provenance: Provenance,
    /// Fields given so far.
    pub fields: Fields,
    /// Relations.
    pub links: Vec<Link>,
    /// Deadlines running or missed.
    pub deadlines: Vec<Deadline>,
    /// The party that must act.
    pub receiver: Option<String>,
    /// Account or party now responsible.
    pub owner: Option<String>,
    /// When it was created.
    pub created_at: Time,
    /// By whom.
    pub created_by: Actor,
    /// When it reached an end state.
    pub ended_at: Option<Time>,
    /// Its life, newest [`LOG_MAX`] entries, oldest first.
    pub log: Vec<Entry>,
}

impl Item {
    /// A field as text; empty if it has none.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_text).unwrap_or_default()
    }

    /// A field as number.
    pub fn number(&self, field: &str) -> Option<f64> {
        self.fields.get(field).and_then(Value::as_number)
    }

    /// A field as time.
    pub fn time(&self, field: &str) -> Option<Time> {
        self.fields.get(field).and_then(Value::as_time)
    }

    /// A field as yes or no.
    pub fn flag(&self, field: &str) -> bool {
        matches!(self.fields.get(field), Some(Value::Flag(true)))
    }

    /// What it is linked to by a relation.
    pub fn linked<'a>(&'a self, rel: &'a str) -> impl Iterator<Item = &'a str> {
        self.links.iter().filter(move |l| &*l.rel == rel).map(|l| l.to.as_str())
    }

    /// One of its deadlines.
    pub fn deadline(&self, name: &str) -> Option<&Deadline> {
        self.deadlines.iter().find(|d| &*d.name == name)
    }

    /// Whether any of its deadlines is missed.
    pub fn overdue(&self) -> bool {
        self.deadlines.iter().any(|d| d.rung > 0)
    }

    /// Sets a field.
    pub(crate) fn set(&mut self, field: &str, value: Value) {
        self.fields.insert(field.into(), value);
    }

    /// Who changed it last.
    pub fn last_by(&self) -> &Actor {
        self.log.last().map_or(&self.created_by, |e| &e.by)
    }
}
