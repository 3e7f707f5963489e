//! The form of a flow: states, actions, fields and deadlines as static data. One evaluator reads them all.

use crate::stage::{Deed, Stage};
use crate::{Fields, Item, ItemId, Kind, Provenance, WorkRefusal};

/// One work system as a table.
#[derive(Debug)]
pub struct Flow {
    /// Its items.
    pub kind: Kind,
    /// Chinese name.
    pub zh: &'static str,
    /// English name.
    pub en: &'static str,
    /// State of a new item.
    pub initial: &'static str,
    /// `System`: made by timers and consequences only.
    pub created_by: By,
    /// Whether an item has a party that must act; one item per receiver (D3).
    pub receivers: Receivers,
    /// States.
    pub states: &'static [StateSpec],
    /// Edges.
    pub actions: &'static [ActionSpec],
    /// Fields.
    pub fields: &'static [FieldSpec],
    /// Guards on creation.
    pub guards: &'static [Guard],
    /// Consequences of creation.
    pub(crate) then: &'static [Then],
    /// Makes several items where one was asked for; false: makes none.
    pub(crate) many: Option<Many>,
    /// Deadlines.
    pub deadlines: &'static [DeadlineSpec],
}

/// Whether an item is for a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receivers {
    /// Never.
    None,
    /// May be.
    Optional,
    /// Must be.
    Required,
}

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSpec {
    /// Word on wires.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// Nothing can follow.
    pub ended: bool,
}

/// Who may act. The door enforces roles; the kernel enforces that a party acts on its own items only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Staff of the hall.
    Hall,
    /// The receiver; the hall may record it for a receiver on the telephone.
    Receiver,
    /// Both.
    Either,
    /// Timers and consequences only.
    System,
}

/// An edge of the table. Fields: the required ones must be given, the accepted ones may.
#[derive(Clone, Copy, Debug)]
pub struct ActionSpec {
    /// Word on wires.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// States it is possible in.
    pub from: &'static [&'static str],
    /// State it leads to; empty: stays.
    pub to: &'static str,
    /// Who.
    pub by: By,
    /// Field names, or `note`.
    pub required: &'static [&'static str],
    /// Field names that may be given too.
    pub accepts: &'static [&'static str],
    /// What must hold.
    pub guards: &'static [Guard],
    /// What follows in the same transaction.
    pub(crate) then: &'static [Then],
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Word on wires.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// What it takes.
    pub kind: FieldKind,
    /// May be given at creation.
    pub create: bool,
    /// Must be given at creation.
    pub required: bool,
}

/// What a field takes. Choices are `(value, Chinese, English)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// A finite number, not negative.
    Number {
        /// Its unit, as shown.
        unit: &'static str,
    },
    /// Yes or no.
    Flag,
    /// A point in time.
    Time,
    /// One of these.
    Choice(&'static [(&'static str, &'static str, &'static str)]),
    /// A party's id.
    Party,
    /// An account.
    Account,
    /// Somebody who must see to it: an account, a party's id, or the name of a person who has neither.
    Person,
    /// Several values.
    List,
    /// Named parts.
    Record,
}

/// Changes that are no action of a table, as they are told: `(word, Chinese, English)`. Every flow may have them.
pub const TOLD: [(&str, &str, &str); 8] = [
    ("create", "建立", "made"),
    ("remind", "催办", "reminded"),
    ("superior", "报上级", "told to the superior"),
    ("reassign", "改派", "reassigned"),
    ("unanswered", "无人可改派", "nobody left to reassign to"),
    ("overdue", "超时", "overdue"),
    ("own", "移交", "passed on"),
    ("task_done", "任务完成", "task done"),
];

/// What must hold for an action, as data; one evaluator in [`crate::Book`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Guard {
    /// The actor is not the person named in this field.
    OtherPersonThan(&'static str),
    /// If `field` has the value `is`, these must not be blank.
    FieldsWhen {
        /// Deciding field.
        field: &'static str,
        /// Deciding value.
        is: &'static str,
        /// Fields then mandatory.
        required: &'static [&'static str],
    },
    /// No open item of this kind is linked to it.
    NoOpenLinked(Kind),
    /// Every open item of this kind linked to it has an owner.
    LinkedHaveOwner(Kind),
    /// This field is not blank.
    Set(&'static str),
    /// A counting field is below a profile value.
    CountBelow {
        /// Counter.
        field: &'static str,
        /// Profile key.
        profile: &'static str,
    },
    /// A time field lies in the future.
    Future(&'static str),
}

/// Changes the item itself before it is recorded; may refuse.
pub(crate) type Shape = fn(&Stage<'_>, &mut Item, &Deed<'_>) -> Result<(), WorkRefusal>;

/// Changes other items in the same transaction; may refuse all of it.
pub(crate) type Follow = fn(&mut Stage<'_>, ItemId, &Deed<'_>) -> Result<(), WorkRefusal>;

/// Makes several items in place of one; false if that is not what was asked.
pub(crate) type Many = fn(&mut Stage<'_>, &Fields, Provenance) -> Result<bool, WorkRefusal>;

/// What follows an action in the same transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// Writes the actor's account into a field.
    Actor(&'static str),
    /// Writes the time into a field, if it is blank.
    Once(&'static str),
    /// Writes the time into a field, again each time.
    At(&'static str),
    /// Writes a word into a field.
    Set(&'static str, &'static str),
    /// Adds one to a counting field.
    Count(&'static str),
    /// Makes the actor the owner.
    Own,
    /// Makes the account or party in a field the owner.
    OwnerFrom(&'static str),
    /// Copies a field (first) over another (second).
    Copy(&'static str, &'static str),
    /// Starts a deadline anew.
    Restart(&'static str),
    /// Clears fields.
    Clear(&'static [&'static str]),
    /// What only this flow does to its item; in its file.
    Shape(Shape),
    /// What only this flow does to others; in its file.
    Follow(Follow),
}

/// Where a deadline's length comes from; the first source that has a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// An absolute time in a field.
    Field(&'static str),
    /// Seconds in a field.
    Within(&'static str),
    /// Seconds in the profile.
    Profile(&'static str),
    /// Seconds in the profile under `key.value-of-the-field`.
    ProfileBy(&'static str, &'static str),
}

/// A deadline of a flow: armed on entering one of its states, gone on leaving them.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineSpec {
    /// Word on wires.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// States in which it runs.
    pub while_in: &'static [&'static str],
    /// Its length.
    pub after: &'static [After],
    /// What happens when it is missed.
    pub ladder: &'static [Rung],
}

/// One step after a missed deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Profile key of the seconds since the step before; empty: at once.
    pub after: &'static str,
    /// What is done.
    pub step: Step,
}

/// What a missed deadline does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Told again to whoever must act (催办).
    Remind,
    /// Told to the superior of the receiver.
    Superior,
    /// Given to a substitute of the receiver.
    Reassign,
    /// Told as overdue.
    Overdue,
    /// An action of the table, by the hall itself.
    Act(&'static str),
}

impl Step {
    /// The action it is told as.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Remind => "remind",
            Self::Superior => "superior",
            Self::Reassign => "reassign",
            Self::Overdue => "overdue",
            Self::Act(action) => action,
        }
    }
}

impl Flow {
    /// An action by its word.
    pub fn action(&self, name: &str) -> Option<&'static ActionSpec> {
        self.actions.iter().find(|a| a.name == name)
    }

    /// What a change is called, `(Chinese, English)`: by the table, else as every flow tells it.
    pub fn words(&self, change: &str) -> Option<(&'static str, &'static str)> {
        let told = || TOLD.iter().find(|t| t.0 == change).map(|t| (t.1, t.2));
        self.action(change).map(|a| (a.zh, a.en)).or_else(told)
    }

    /// A field by its word.
    pub fn field(&self, name: &str) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// A state by its word.
    pub fn state(&self, name: &str) -> Option<&'static StateSpec> {
        self.states.iter().find(|s| s.name == name)
    }

    /// A deadline by its word.
    pub fn deadline(&self, name: &str) -> Option<&'static DeadlineSpec> {
        self.deadlines.iter().find(|d| d.name == name)
    }

    /// What people can do in a state.
    pub fn possible<'s>(&self, state: &'s str) -> impl Iterator<Item = &'static ActionSpec> + use<'s> {
        self.actions.iter().filter(move |a| a.by != By::System && a.from.contains(&state))
    }

    /// Whether a state ends an item.
    pub fn is_end(&self, state: &str) -> bool {
        self.state(state).is_some_and(|s| s.ended)
    }
}
