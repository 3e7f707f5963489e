//! The flow tables as the console builds its forms from them.

use response::{By, FLOWS, FieldKind, Flow, Guard, Receivers};
use serde::Serialize;
use utoipa::ToSchema;

/// Every flow.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FlowsView {
    /// Flows.
    pub flows: Vec<FlowView>,
}

/// One work system.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FlowView {
    /// Its items.
    #[schema(value_type = String)]
    pub kind: response::Kind,
    /// Letter of its ids.
    pub prefix: String,
    /// Chinese name.
    pub zh: &'static str,
    /// English name.
    pub en: &'static str,
    /// State of a new item.
    pub initial: &'static str,
    /// `hall`, or `system`: made only as a consequence of something else.
    pub created_by: &'static str,
    /// Permission that making one needs.
    #[schema(value_type = String)]
    pub permission: crate::Permission,
    /// `none`, `optional` or `required`: whether an item is for a party; n parties make n items.
    pub receivers: &'static str,
    /// States.
    pub states: Vec<StateView>,
    /// Edges that people may take.
    pub actions: Vec<ActionView>,
    /// What must hold when an item is made.
    pub guards: Vec<GuardView>,
    /// Fields.
    pub fields: Vec<FieldView>,
    /// Deadlines.
    pub deadlines: Vec<DeadlineSpecView>,
}

/// A state.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StateView {
    /// Word on wires.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// Nothing can follow.
    pub ended: bool,
}

/// An edge.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActionView {
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
    /// `hall`, `receiver`, `either` or `system`.
    pub by: &'static str,
    /// Permission that staff need for it.
    #[schema(value_type = String)]
    pub permission: crate::Permission,
    /// Fields that must be given or be there already, or `note`.
    pub required: &'static [&'static str],
    /// Fields that may be given.
    pub accepts: &'static [&'static str],
    /// What must hold too: forms say so before the kernel refuses.
    pub guards: Vec<GuardView>,
}

/// What must hold, on the item as it would be with what is given.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GuardView {
    /// Another person than the one named in this field.
    OtherPersonThan {
        /// Field that names an account.
        field: &'static str,
    },
    /// If a field has this value, others must not be blank.
    FieldsWhen {
        /// Deciding field.
        field: &'static str,
        /// Deciding value.
        is: &'static str,
        /// Fields then mandatory.
        required: &'static [&'static str],
    },
    /// No open item of this kind is linked to it.
    NoOpenLinked {
        /// Kind of the linked ones.
        #[schema(value_type = String)]
        kind: response::Kind,
    },
    /// Every open item of this kind that is linked to it has an owner.
    LinkedHaveOwner {
        /// Kind of the linked ones.
        #[schema(value_type = String)]
        kind: response::Kind,
    },
    /// This field is not blank.
    Set {
        /// The field.
        field: &'static str,
    },
    /// A counting field is below a value of the profile.
    CountBelow {
        /// The counter.
        field: &'static str,
        /// Key of the profile.
        profile: &'static str,
    },
    /// A time that is given lies in the future.
    Future {
        /// The field.
        field: &'static str,
    },
}

/// A field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldView {
    /// Word on wires.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// `text`, `long_text`, `number`, `flag`, `time`, `choice`, `party`, `account`, `person`, `list`, `record`.
    pub r#type: &'static str,
    /// Unit of a number, or empty.
    pub unit: &'static str,
    /// Choices.
    pub choices: Vec<ChoiceView>,
    /// May be given when the item is made.
    pub create: bool,
    /// Must be given then.
    pub required: bool,
}

/// A choice.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChoiceView {
    /// Word on wires.
    pub value: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

/// A deadline of a flow.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeadlineSpecView {
    /// Word on wires.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl FlowsView {
    /// Every flow of the kernel.
    pub fn all() -> Self {
        Self { flows: FLOWS.iter().map(flow).collect() }
    }
}

fn flow(f: &'static Flow) -> FlowView {
    FlowView {
        kind: f.kind,
        prefix: f.kind.prefix().to_string(),
        zh: f.zh,
        en: f.en,
        initial: f.initial,
        created_by: by(f.created_by),
        permission: crate::Permission::to_create(f.kind),
        receivers: match f.receivers {
            Receivers::None => "none",
            Receivers::Optional => "optional",
            Receivers::Required => "required",
        },
        states: f.states.iter().map(|s| StateView { name: s.name, zh: s.zh, en: s.en, ended: s.ended }).collect(),
        actions: f.actions.iter().map(|a| action(f, a)).collect(),
        guards: f.guards.iter().map(guard).collect(),
        fields: f.fields.iter().map(field).collect(),
        deadlines: f.deadlines.iter().map(|d| DeadlineSpecView { name: d.name, zh: d.zh, en: d.en }).collect(),
    }
}

fn action(f: &'static Flow, a: &'static response::ActionSpec) -> ActionView {
    ActionView {
        name: a.name,
        zh: a.zh,
        en: a.en,
        from: a.from,
        to: a.to,
        by: by(a.by),
        permission: crate::Permission::to_act(f.kind, a),
        required: a.required,
        accepts: a.accepts,
        guards: a.guards.iter().map(guard).collect(),
    }
}

const fn guard(guard: &Guard) -> GuardView {
    match *guard {
        Guard::OtherPersonThan(field) => GuardView::OtherPersonThan { field },
        Guard::FieldsWhen { field, is, required } => GuardView::FieldsWhen { field, is, required },
        Guard::NoOpenLinked(kind) => GuardView::NoOpenLinked { kind },
        Guard::LinkedHaveOwner(kind) => GuardView::LinkedHaveOwner { kind },
        Guard::Set(field) => GuardView::Set { field },
        Guard::CountBelow { field, profile } => GuardView::CountBelow { field, profile },
        Guard::Future(field) => GuardView::Future { field },
    }
}

const fn by(by: By) -> &'static str {
    match by {
        By::Hall => "hall",
        By::Receiver => "receiver",
        By::Either => "either",
        By::System => "system",
    }
}

fn field(f: &'static response::FieldSpec) -> FieldView {
    let (r#type, unit, choices): (_, _, &[(&str, &str, &str)]) = match f.kind {
        FieldKind::Text => ("text", "", &[]),
        FieldKind::LongText => ("long_text", "", &[]),
        FieldKind::Number { unit } => ("number", unit, &[]),
        FieldKind::Flag => ("flag", "", &[]),
        FieldKind::Time => ("time", "", &[]),
        FieldKind::Choice(choices) => ("choice", "", choices),
        FieldKind::Party => ("party", "", &[]),
        FieldKind::Account => ("account", "", &[]),
        FieldKind::Person => ("person", "", &[]),
        FieldKind::List => ("list", "", &[]),
        FieldKind::Record => ("record", "", &[]),
    };
    let choices = choices.iter().map(|&(value, zh, en)| ChoiceView { value, zh, en }).collect();
    FieldView { name: f.name, zh: f.zh, en: f.en, r#type, unit, choices, create: f.create, required: f.required }
}
