//! 整改项: what a review or a drill found, with somebody who does it and a date.

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Item, Kind, WorkRefusal};

use super::{EXERCISE_OVER, action, end, end_exercise, field, given, needed, state};

const INTO: FieldKind = FieldKind::Choice(&[
    ("hidden_danger", "隐患", "hidden danger"),
    ("plan_revision", "预案修订", "plan revision"),
    ("rule_change", "规则调整", "rule change"),
    ("training", "培训", "training"),
    ("equipment", "装备", "equipment"),
]);

const FIELDS: &[FieldSpec] = &[
    needed("text", "内容", "text", FieldKind::LongText),
    given("into", "转为", "becomes", INTO),
    given("assignee", "责任人", "assignee", FieldKind::Person),
    given("due", "期限", "due", FieldKind::Time),
    field("done_by", "完成人", "done by", FieldKind::Account),
    field("escalated_to", "已报上级", "escalated to", FieldKind::Party),
];

const STATES: &[StateSpec] = &[
    state("open", "待分派", "open"),
    state("assigned", "已分派", "assigned"),
    state("done", "已完成", "done"),
    end("closed", "已核验", "closed"),
    end("dropped", "不采纳", "dropped"),
    EXERCISE_OVER,
];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        required: &["assignee"],
        accepts: &["due", "into"],
        guards: &[Guard::Future("due")],
        then: &[Then::OwnerFrom("assignee"), Then::Restart("due")],
        ..action("assign", ("分派", "assign"), &["open", "assigned"], "assigned", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Actor("done_by")],
        ..action("complete", ("完成", "complete"), &["assigned"], "done", By::Hall)
    },
    ActionSpec {
        guards: &[Guard::OtherPersonThan("done_by")],
        ..action("verify", ("核验", "verify"), &["done"], "closed", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        guards: &[Guard::OtherPersonThan("done_by")],
        ..action("send_back", ("退回", "send back"), &["done"], "assigned", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        ..action("drop", ("不采纳", "drop"), &["open", "assigned"], "dropped", By::Hall)
    },
    end_exercise(&["open", "assigned", "done"]),
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Lesson,
    zh: "整改项",
    en: "lesson",
    initial: "open",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[Guard::Future("due")],
    then: &[Then::Shape(assign_at_once)],
    many: None,
    deadlines: &[DeadlineSpec {
        name: "due",
        zh: "完成",
        en: "complete",
        while_in: &["assigned"],
        after: &[After::Field("due"), After::Profile("lesson.due")],
        ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "ladder.overdue", step: Step::Overdue }],
    }],
};

/// A lesson that names its assignee is assigned from the start.
fn assign_at_once(_: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let assignee = item.text("assignee").to_owned();
    if !assignee.is_empty() {
        item.owner = Some(assignee);
        item.state = "assigned".into();
    }
    Ok(())
}
