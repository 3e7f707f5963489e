//! 值班班次 and 换班. A month of shifts is made from the pattern; a swap needs another person's consent.

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Cause, Fields, Item, ItemId, Kind, Value, WorkRefusal, roster};

use super::{action, end, field, given, needed, state};

const FIELDS: &[FieldSpec] = &[
    given("month", "月份", "month", FieldKind::Text),
    given("title", "班次", "shift", FieldKind::Text),
    given("title_en", "班次（英文）", "shift (English)", FieldKind::Text),
    given("starts_at", "开始", "starts at", FieldKind::Time),
    given("ends_at", "结束", "ends at", FieldKind::Time),
    given("leader", "带班领导", "leader", FieldKind::Account),
    given("main", "主班", "main", FieldKind::Account),
    given("deputies", "副班", "deputies", FieldKind::List),
    given("standby", "备勤", "standby", FieldKind::List),
    field("relief_at", "应到时间", "relief due at", FieldKind::Time),
    field("take_by", "应接班时间", "take over by", FieldKind::Time),
    field("taken_at", "接班时间", "taken at", FieldKind::Time),
    field("taken_by", "接班人", "taken by", FieldKind::Account),
    field("relieved_at", "交班时间", "relieved at", FieldKind::Time),
    field("absent", "缺勤", "absent", FieldKind::Account),
    field("escalated_to", "已报上级", "escalated to", FieldKind::Party),
];

const STATES: &[StateSpec] = &[
    state("planned", "已排", "planned"),
    state("awaiting", "待接班", "awaiting relief"),
    state("on_duty", "在岗", "on duty"),
    state("handing_over", "交班中", "handing over"),
    end("done", "已交", "done"),
    end("cancelled", "取消", "cancelled"),
];

const ACTIONS: &[ActionSpec] = &[
    action("await", ("待接班", "await relief"), &["planned"], "awaiting", By::System),
    ActionSpec {
        then: &[Then::Shape(check_crew), Then::Once("taken_at"), Then::Actor("taken_by"), Then::Own],
        ..action("take", ("接班", "take the watch"), &["planned", "awaiting"], "on_duty", By::Hall)
    },
    ActionSpec {
        required: &["absent", "note"],
        ..action("report_absence", ("报告缺勤", "report an absence"), &["planned", "awaiting", "on_duty"], "", By::Hall)
    },
    action("hand_over", ("开始交班", "begin the hand-over"), &["on_duty"], "handing_over", By::System),
    action("stay", ("继续在岗", "stay on duty"), &["handing_over"], "on_duty", By::System),
    ActionSpec {
        then: &[Then::Once("relieved_at")],
        ..action("relieve", ("交班完成", "relieved"), &["on_duty", "handing_over"], "done", By::System)
    },
    ActionSpec { ..action("swap", ("换班生效", "swap in force"), &["planned", "awaiting"], "", By::System) },
    ActionSpec {
        required: &["note"],
        ..action("cancel", ("取消", "cancel"), &["planned", "awaiting"], "cancelled", By::Hall)
    },
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Shift,
    zh: "班次",
    en: "shift",
    initial: "planned",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[],
    then: &[Then::Shape(roster::check_shift)],
    many: Some(roster::generate),
    deadlines: &[
        DeadlineSpec {
            name: "relief",
            zh: "应到",
            en: "relief due",
            while_in: &["planned"],
            after: &[After::Field("relief_at")],
            ladder: &[Rung { after: "", step: Step::Act("await") }],
        },
        DeadlineSpec {
            name: "take",
            zh: "接班",
            en: "take the watch",
            while_in: &["awaiting"],
            after: &[After::Field("take_by"), After::Field("starts_at")],
            ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "shift.take", step: Step::Superior }],
        },
        DeadlineSpec {
            name: "end",
            zh: "交班",
            en: "hand over",
            while_in: &["on_duty", "handing_over"],
            after: &[After::Field("ends_at")],
            ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "handover.sign", step: Step::Superior }],
        },
    ],
};

/// The watch is taken by somebody who stands in the roster.
fn check_crew(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let account = stage.actor.account.as_str();
    if roster::crew(item).any(|a| a == account) {
        return Ok(());
    }
    Err(WorkRefusal::invalid("taken_by", format!("{account} is not in this shift; swap first")))
}

const SWAP_FIELDS: &[FieldSpec] = &[
    needed("out", "换下", "out", FieldKind::Account),
    needed("in", "换上", "in", FieldKind::Account),
    needed("text", "原因", "reason", FieldKind::LongText),
    field("requested_by", "申请人", "requested by", FieldKind::Account),
    field("decided_by", "审批人", "decided by", FieldKind::Account),
    field("escalated_to", "已报上级", "escalated to", FieldKind::Party),
];

const SWAP_ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        guards: &[Guard::OtherPersonThan("requested_by"), Guard::OtherPersonThan("in"), Guard::OtherPersonThan("out")],
        then: &[Then::Actor("decided_by"), Then::Follow(apply_swap)],
        ..action("approve", ("批准", "approve"), &["requested"], "approved", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        guards: &[Guard::OtherPersonThan("requested_by")],
        then: &[Then::Actor("decided_by")],
        ..action("refuse", ("不批准", "refuse"), &["requested"], "refused", By::Hall)
    },
    action("withdraw", ("撤回", "withdraw"), &["requested"], "withdrawn", By::Hall),
];

pub(super) const SWAP: Flow = Flow {
    kind: Kind::Swap,
    zh: "换班",
    en: "swap",
    initial: "requested",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: &[
        state("requested", "已申请", "requested"),
        end("approved", "已批准", "approved"),
        end("refused", "未批准", "refused"),
        end("withdrawn", "已撤回", "withdrawn"),
    ],
    actions: SWAP_ACTIONS,
    fields: SWAP_FIELDS,
    guards: &[],
    then: &[Then::Actor("requested_by"), Then::Shape(check_swap)],
    many: None,
    deadlines: &[DeadlineSpec {
        name: "decide",
        zh: "审批",
        en: "decide",
        while_in: &["requested"],
        after: &[After::Profile("swap.approve")],
        ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "ladder.overdue", step: Step::Overdue }],
    }],
};

fn shift_of(stage: &Stage<'_>, item: &Item) -> Result<std::sync::Arc<Item>, WorkRefusal> {
    let id = item.linked("shift").find_map(|to| to.parse::<ItemId>().ok()).filter(|id| id.kind == Kind::Shift);
    let id = id.ok_or_else(|| WorkRefusal::FieldRequired("shift".into()))?;
    stage.item(id).cloned().ok_or_else(|| stage.book.gone(id, u64::MAX))
}

/// The shift has not begun, who leaves stands in it, and who comes does not.
fn check_swap(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let shift = shift_of(stage, item)?;
    if !matches!(&*shift.state, "planned" | "awaiting") {
        return Err(WorkRefusal::State { item: shift.id, state: shift.state.clone(), possible: Vec::new() });
    }
    let stands = |account: &str| roster::crew(&shift).any(|a| a == account);
    if !stands(item.text("out")) {
        return Err(WorkRefusal::invalid("out", "is not in this shift"));
    }
    if stands(item.text("in")) {
        return Err(WorkRefusal::invalid("in", "is in this shift already"));
    }
    let title = format!("{}：{} → {}", shift.title, item.text("out"), item.text("in"));
    item.set("title", title.into());
    Ok(())
}

/// The approved swap changes its shift in the same transaction; a shift that began meanwhile refuses it.
fn apply_swap(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(swap) = stage.changed(id) else { return Ok(()) };
    let mut check = Item::clone(&swap);
    check_swap(stage, &mut check, &Deed::new("approve", &Fields::new(), Cause::Command))?;
    let mut shift = Item::clone(&*shift_of(stage, &swap)?);
    let (from, to) = (swap.text("out").to_owned(), swap.text("in").to_owned());
    let replace = |value: &mut Value| {
        if value.as_text() == Some(&from) {
            *value = to.as_str().into();
        }
    };
    for name in roster::CREW {
        match shift.fields.get_mut(name) {
            Some(Value::List(list)) => list.iter_mut().for_each(replace),
            Some(value) => replace(value),
            None => {}
        }
    }
    let fields = Fields::new();
    stage.act_on(shift, Deed::new("swap", &fields, Cause::Consequence { of: id.to_string() }))
}
