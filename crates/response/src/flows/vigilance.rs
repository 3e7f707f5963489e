//! 值守提醒: an open red alarm and nobody touches anything. Made by the watch itself (S2).

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Item, Kind, WorkRefusal};

use super::{action, end, field, needed, state};

const FIELDS: &[FieldSpec] = &[
    needed("title", "内容", "what", FieldKind::Text),
    field("leader", "带班领导", "leader", FieldKind::Account),
    field("leader_called_at", "呼叫带班领导时间", "leader called at", FieldKind::Time),
    field("answered_by", "应答人", "answered by", FieldKind::Account),
];

const STATES: &[StateSpec] = &[
    state("prompted", "已提醒", "prompted"),
    state("leader_called", "已呼叫带班领导", "leader called"),
    end("answered", "已应答", "answered"),
    end("lapsed", "已无红色报警", "no red alarm any more"),
];

const WAITING: &[&str] = &["prompted", "leader_called"];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        then: &[Then::Actor("answered_by")],
        ..action("answer", ("我在岗", "I am here"), WAITING, "answered", By::Hall)
    },
    ActionSpec {
        then: &[Then::Once("leader_called_at"), Then::Shape(find_leader)],
        ..action("call_leader", ("呼叫带班领导", "call the leader"), &["prompted"], "leader_called", By::System)
    },
    action("lapse", ("失效", "lapse"), WAITING, "lapsed", By::System),
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Vigilance,
    zh: "值守提醒",
    en: "vigilance prompt",
    initial: "prompted",
    created_by: By::System,
    receivers: Receivers::None,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[],
    then: &[],
    many: None,
    deadlines: &[DeadlineSpec {
        name: "leader",
        zh: "呼叫带班领导",
        en: "call the leader",
        while_in: &["prompted"],
        after: &[After::Profile("vigilance.leader")],
        ladder: &[Rung { after: "", step: Step::Act("call_leader") }],
    }],
};

/// The leader of the watch that is on duty; unknown while nobody took it.
fn find_leader(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let shifts = stage.open_of(Kind::Shift);
    let on_duty = shifts.iter().find(|s| matches!(&*s.state, "on_duty" | "handing_over"));
    if let Some(shift) = on_duty {
        let leader = shift.text("leader").to_owned();
        item.owner = Some(leader.clone());
        item.set("leader", leader.into());
    }
    Ok(())
}
