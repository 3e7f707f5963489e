//! 指挥调度: an order from the hall to one receiver who must answer.

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Fields, Item, ItemId, Kind, Link, Value, WorkRefusal, check, flow_of, plan, stamps};

use super::{EXERCISE_OVER, action, end, end_exercise, field, given, needed, state};

/// Priority words of orders, with the number on older wires.
pub const PRIORITIES: [&str; 5] = ["I", "II", "III", "IV", "V"];

const PRIORITY: FieldKind = FieldKind::Choice(&[
    ("I", "Ⅰ级（红）", "I (red)"),
    ("II", "Ⅱ级（橙）", "II (orange)"),
    ("III", "Ⅲ级（黄）", "III (yellow)"),
    ("IV", "Ⅳ级（蓝）", "IV (blue)"),
    ("V", "诊断", "diagnostic"),
]);

const TEAM_STATE: FieldKind = FieldKind::Choice(&[
    ("standby", "待命", "standby"),
    ("en_route", "出动", "en route"),
    ("on_scene", "到场", "on scene"),
    ("working", "处置", "working"),
    ("returned", "归队", "returned"),
]);

const FIELDS: &[FieldSpec] = &[
    needed("content", "指令内容", "content", FieldKind::LongText),
    given("place", "地点", "place", FieldKind::Text),
    given("position", "位置", "position", FieldKind::Record),
    given("plan_ref", "预案依据", "plan reference", FieldKind::Text),
    given("resources", "所需资源", "required resources", FieldKind::LongText),
    given("priority", "级别", "priority", PRIORITY),
    given("receiver_name", "接收方名称", "receiver's name", FieldKind::Text),
    given("draft", "拟制", "draft", FieldKind::Flag),
    given("ack_within_s", "签收时限", "acknowledge within", FieldKind::Number { unit: "s" }),
    given("feedback_every_s", "反馈间隔", "feedback every", FieldKind::Number { unit: "s" }),
    given("complete_within_s", "完成时限", "complete within", FieldKind::Number { unit: "s" }),
    given("ack_due", "签收截止", "acknowledge by", FieldKind::Time),
    given("complete_due", "完成截止", "complete by", FieldKind::Time),
    field("content_en", "指令内容（英文）", "content (English)", FieldKind::LongText),
    field("after", "前序任务", "after tasks", FieldKind::List),
    field("percent", "进度", "progress", FieldKind::Number { unit: "%" }),
    field("feedback_position", "反馈位置", "position of feedback", FieldKind::Record),
    field("feedback_count", "反馈次数", "feedback given", FieldKind::Number { unit: "" }),
    field("remind_count", "催办次数", "times reminded by hand", FieldKind::Number { unit: "" }),
    field("reminded_at", "最近催办", "last reminded by hand", FieldKind::Time),
    field("team_state", "队伍状态", "team state", TEAM_STATE),
    field("issued_at", "下达时间", "issued at", FieldKind::Time),
    field("delivered_at", "送达时间", "delivered at", FieldKind::Time),
    field("acknowledged_at", "签收时间", "acknowledged at", FieldKind::Time),
    field("departed_at", "出动时间", "departed at", FieldKind::Time),
    field("arrived_at", "到场时间", "arrived at", FieldKind::Time),
    field("working_at", "处置时间", "working at", FieldKind::Time),
    field("returned_at", "归队时间", "returned at", FieldKind::Time),
    field("done_at", "完成时间", "done at", FieldKind::Time),
    field("done_by", "完成人", "done by", FieldKind::Account),
    field("to", "改派给", "reassigned to", FieldKind::Party),
    field("escalated_to", "已报上级", "escalated to", FieldKind::Party),
    field("tried", "已派过", "tried before", FieldKind::List),
];

const STATES: &[StateSpec] = &[
    state("draft", "拟制", "draft"),
    state("issued", "下达", "issued"),
    state("delivered", "送达", "delivered"),
    state("acknowledged", "签收", "acknowledged"),
    state("rejected", "拒收", "rejected"),
    state("in_progress", "执行", "in progress"),
    state("done", "完成", "done"),
    state("verified", "核验", "verified"),
    end("closed", "销单", "closed"),
    end("revoked", "撤销", "revoked"),
    end("reassigned", "改派", "reassigned"),
    EXERCISE_OVER,
];

/// States in which the receiver has not finished.
const RUNNING: &[&str] = &["issued", "delivered", "acknowledged", "in_progress"];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        accepts: &["content", "place", "priority", "resources", "plan_ref", "ack_within_s", "complete_within_s"],
        ..action("edit", ("修改", "edit"), &["draft"], "", By::Hall)
    },
    ActionSpec {
        then: &[Then::Once("issued_at"), Then::Set("team_state", "standby"), Then::Follow(first_order)],
        ..action("issue", ("下达", "issue"), &["draft"], "issued", By::Hall)
    },
    ActionSpec {
        then: &[Then::Once("delivered_at")],
        ..action("deliver", ("送达", "deliver"), &["issued"], "delivered", By::Either)
    },
    ActionSpec {
        then: &[Then::Once("acknowledged_at"), Then::Own],
        ..action("acknowledge", ("签收", "acknowledge"), &["issued", "delivered"], "acknowledged", By::Receiver)
    },
    ActionSpec {
        required: &["note"],
        ..action("reject", ("拒收", "reject"), &["issued", "delivered"], "rejected", By::Receiver)
    },
    ActionSpec {
        then: &[Then::Once("departed_at"), Then::Set("team_state", "en_route")],
        ..action("start", ("出动", "start"), &["acknowledged"], "in_progress", By::Receiver)
    },
    ActionSpec {
        accepts: &["feedback_position"],
        then: &[Then::Once("arrived_at"), Then::Set("team_state", "on_scene"), Then::Follow(first_arrival)],
        ..action("arrive", ("到场", "arrive"), &["acknowledged", "in_progress"], "in_progress", By::Receiver)
    },
    ActionSpec {
        then: &[Then::Once("working_at"), Then::Set("team_state", "working")],
        ..action("work", ("处置", "work"), &["acknowledged", "in_progress"], "in_progress", By::Receiver)
    },
    ActionSpec {
        required: &["note"],
        accepts: &["percent", "feedback_position"],
        then: &[Then::Count("feedback_count"), Then::Restart("feedback")],
        ..action("feedback", ("反馈", "feedback"), &["acknowledged", "in_progress"], "", By::Receiver)
    },
    ActionSpec {
        accepts: &["percent", "feedback_position"],
        then: &[Then::Once("done_at"), Then::Actor("done_by"), Then::Follow(plan::release_waiting)],
        ..action("complete", ("完成", "complete"), &["acknowledged", "in_progress"], "done", By::Receiver)
    },
    ActionSpec {
        then: &[Then::Once("returned_at"), Then::Set("team_state", "returned")],
        ..action("return", ("归队", "return"), &["in_progress", "done", "verified"], "", By::Receiver)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Clear(&["done_at", "done_by"])],
        ..action("resume", ("退回继续", "send back"), &["done"], "in_progress", By::Hall)
    },
    action("verify", ("核验", "verify"), &["done"], "verified", By::Hall),
    ActionSpec {
        then: &[Then::Follow(plan::release_waiting)],
        ..action("close", ("销单", "close"), &["done", "verified", "rejected"], "closed", By::Hall)
    },
    // The hall rings up itself. The ladder goes on as if it had not.
    ActionSpec {
        then: &[Then::Count("remind_count"), Then::At("reminded_at")],
        ..action("remind", ("催办", "remind"), RUNNING, "", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Follow(plan::release_waiting)],
        ..action(
            "revoke",
            ("撤销", "revoke"),
            &["draft", "issued", "delivered", "acknowledged", "in_progress"],
            "revoked",
            By::Hall,
        )
    },
    ActionSpec {
        required: &["to"],
        then: &[Then::Shape(check_substitute), Then::Follow(reassign)],
        ..action(
            "reassign",
            ("改派", "reassign"),
            &["issued", "delivered", "acknowledged", "in_progress", "rejected"],
            "reassigned",
            By::Hall,
        )
    },
    end_exercise(&["draft", "issued", "delivered", "acknowledged", "rejected", "in_progress", "done", "verified"]),
];

const LADDER: &[Rung] = &[
    Rung { after: "", step: Step::Remind },
    Rung { after: "order.remind", step: Step::Remind },
    Rung { after: "order.superior", step: Step::Superior },
    Rung { after: "order.reassign", step: Step::Reassign },
];

/// Somebody said no and gave a reason: no reminder, but it must not lie there either.
const REFUSED: &[Rung] =
    &[Rung { after: "", step: Step::Superior }, Rung { after: "order.reassign", step: Step::Reassign }];

const DEADLINES: &[DeadlineSpec] = &[
    DeadlineSpec {
        name: "ack",
        zh: "签收",
        en: "acknowledge",
        while_in: &["issued", "delivered"],
        after: &[After::Field("ack_due"), After::Within("ack_within_s"), After::ProfileBy("order.ack", "priority")],
        ladder: LADDER,
    },
    DeadlineSpec {
        name: "refused",
        zh: "拒收后处置",
        en: "decide on the refusal",
        while_in: &["rejected"],
        after: &[After::ProfileBy("order.ack", "priority")],
        ladder: REFUSED,
    },
    DeadlineSpec {
        name: "feedback",
        zh: "反馈",
        en: "feedback",
        while_in: &["acknowledged", "in_progress"],
        after: &[After::Within("feedback_every_s"), After::ProfileBy("order.feedback", "priority")],
        ladder: LADDER,
    },
    DeadlineSpec {
        name: "complete",
        zh: "完成",
        en: "complete",
        while_in: RUNNING,
        after: &[
            After::Field("complete_due"),
            After::Within("complete_within_s"),
            After::ProfileBy("order.complete", "priority"),
        ],
        ladder: LADDER,
    },
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Order,
    zh: "指令",
    en: "order",
    initial: "issued",
    created_by: By::Hall,
    receivers: Receivers::Required,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[Guard::Future("ack_due"), Guard::Future("complete_due")],
    then: &[Then::Shape(complete_order), Then::Follow(first_order)],
    many: None,
    deadlines: DEADLINES,
};

/// What the officer did not have to type: the receiver's name, a priority, the time of issue.
fn complete_order(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    if item.text("priority").is_empty() {
        item.set("priority", "III".into());
    }
    let party = item.receiver.as_deref().and_then(|r| stage.book.settings().party(r));
    if item.text("receiver_name").is_empty() {
        let name = party.map_or_else(|| item.receiver.clone().unwrap_or_default(), |p| p.name_zh.clone());
        item.set("receiver_name", name.into());
    }
    if &*item.state == "issued" {
        item.set("issued_at", stage.now.into());
        item.set("team_state", "standby".into());
    }
    Ok(())
}

fn check_substitute(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    if Some(item.text("to")) == item.receiver.as_deref() {
        return Err(WorkRefusal::invalid("to", "is the receiver already"));
    }
    check::receiver(stage.book.settings(), item.text("to"))
}

/// The same order to another receiver, on a track of its own that names the one before.
fn reassign(stage: &mut Stage<'_>, id: ItemId, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(old) = stage.changed(id) else { return Ok(()) };
    let flow = flow_of(Kind::Order);
    let kept = |name: &str| flow.field(name).is_some_and(|f| f.create) && !matches!(name, "ack_due" | "receiver_name");
    let mut fields: Fields = old.fields.iter().filter(|(n, _)| kept(n)).map(|(n, v)| (n.clone(), v.clone())).collect();
    if old.time("complete_due").is_some_and(|t| t <= stage.now) {
        fields.remove("complete_due");
    }
    let mut tried = old.fields.get("tried").map_or_else(Vec::new, |t| t.as_list().to_vec());
    tried.extend(old.receiver.clone().map(Value::Text));
    fields.insert("tried".into(), Value::List(tried));
    fields.remove("draft");
    let mut links = old.links.clone();
    links.retain(|l| &*l.rel != "order");
    links.push(Link::new("order", id.to_string()));
    let to = old.text("to").to_owned();
    stage.create(Kind::Order, fields, links, (Some(to), old.provenance), deed.cause.clone()).map(|_| ())
}

/// The incidents' 首令 stamp; a draft is no order yet.
fn first_order(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let issued = stage.changed(id).is_some_and(|o| &*o.state == "issued");
    if issued { stamps::from_order(stage, id, "first_order") } else { Ok(()) }
}

/// The incidents' 首到场 stamp.
fn first_arrival(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    stamps::from_order(stage, id, "first_arrival")
}
