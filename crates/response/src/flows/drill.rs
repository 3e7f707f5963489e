//! 演练: plan, script, run, score, findings, archive. What is played is an exercise; what is found is real (Order 708
//! Art. 8 says who must hold one, how often).

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Cause, Fields, ItemId, Kind, Link, Provenance, WorkRefusal, script};

use super::{action, end, field, given, needed, state};

const FORM: FieldKind = FieldKind::Choice(&[
    ("tabletop", "桌面推演", "table-top"),
    ("functional", "功能演练", "functional"),
    ("full", "实战演练", "full scale"),
    ("unannounced", "双盲演练", "unannounced"),
]);

const FINDING: FieldKind =
    FieldKind::Choice(&[("lesson", "整改项", "lesson"), ("hidden_danger", "隐患", "hidden danger")]);

const FIELDS: &[FieldSpec] = &[
    needed("title", "名称", "title", FieldKind::Text),
    given("party", "演练单位", "who holds it", FieldKind::Party),
    given("form", "形式", "form", FORM),
    given("hazard", "事故情景", "scenario", FieldKind::Text),
    given("plan", "预案", "plan", FieldKind::Text),
    given("due", "应在此前举行", "to be held by", FieldKind::Time),
    given("every_d", "周期", "every", FieldKind::Number { unit: "d" }),
    field("script", "脚本", "script", FieldKind::List),
    field("step", "脚本步骤", "step of the script", FieldKind::Number { unit: "" }),
    field("next_at", "下一步时间", "next step at", FieldKind::Time),
    field("director", "导调", "director", FieldKind::Account),
    field("started_at", "开始", "started at", FieldKind::Time),
    field("ended_at", "结束", "ended at", FieldKind::Time),
    field("inject", "注入", "inject", FieldKind::Record),
    field("injected", "已注入", "injected", FieldKind::Record),
    field("injects", "注入次数", "injects", FieldKind::Number { unit: "" }),
    field("gaps", "时刻间隔", "gaps between stamps", FieldKind::Record),
    field("auto_score", "时限达标率", "targets met", FieldKind::Number { unit: "%" }),
    field("score", "评分", "score", FieldKind::Number { unit: "" }),
    field("assessment", "评估", "assessment", FieldKind::LongText),
    field("finding", "问题", "finding", FieldKind::LongText),
    field("becomes", "转为", "becomes", FINDING),
    field("findings", "问题数", "findings", FieldKind::Number { unit: "" }),
    field("reported_to", "已报送", "reported to", FieldKind::Text),
    field("escalated_to", "已报上级", "escalated to", FieldKind::Party),
];

const STATES: &[StateSpec] = &[
    state("planned", "计划", "planned"),
    state("scripted", "脚本", "scripted"),
    state("running", "进行中", "running"),
    state("assessing", "评估", "assessing"),
    state("improving", "整改", "improving"),
    end("archived", "归档", "archived"),
    end("cancelled", "取消", "cancelled"),
];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        accepts: &["party", "form", "hazard", "plan", "due"],
        ..action("edit", ("修改", "edit"), &["planned", "scripted"], "", By::Hall)
    },
    ActionSpec {
        required: &["script"],
        then: &[Then::Shape(script::check)],
        ..action("write_script", ("编写脚本", "write the script"), &["planned", "scripted"], "scripted", By::Hall)
    },
    ActionSpec {
        then: &[Then::Once("started_at"), Then::Actor("director"), Then::Shape(script::begin)],
        ..action("begin", ("开始", "begin"), &["scripted"], "running", By::Hall)
    },
    ActionSpec {
        required: &["inject"],
        then: &[Then::Shape(script::by_hand), Then::Count("injects"), Then::Clear(&["inject"])],
        ..action("inject", ("注入", "inject"), &["running"], "", By::Hall)
    },
    ActionSpec {
        then: &[Then::Shape(script::next), Then::Count("injects"), Then::Restart("script")],
        ..action("inject_next", ("按脚本注入", "inject by script"), &["running"], "", By::System)
    },
    ActionSpec {
        then: &[Then::Once("ended_at"), Then::Shape(script::measure), Then::Follow(end_exercise)],
        ..action("end", ("结束", "end"), &["running"], "assessing", By::Hall)
    },
    ActionSpec {
        required: &["finding", "becomes"],
        then: &[Then::Count("findings"), Then::Follow(add_finding), Then::Clear(&["finding", "becomes"])],
        ..action("add_finding", ("提出问题", "add a finding"), &["assessing", "improving"], "", By::Hall)
    },
    ActionSpec {
        required: &["score", "assessment"],
        ..action("assess", ("评分", "score"), &["assessing"], "improving", By::Hall)
    },
    ActionSpec {
        accepts: &["reported_to"],
        guards: &[Guard::LinkedHaveOwner(Kind::Lesson)],
        then: &[Then::Follow(plan_next)],
        ..action("archive", ("归档", "archive"), &["improving"], "archived", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Follow(end_exercise), Then::Follow(plan_next)],
        ..action("cancel", ("取消", "cancel"), &["planned", "scripted", "running"], "cancelled", By::Hall)
    },
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Drill,
    zh: "演练",
    en: "drill",
    initial: "planned",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[Guard::Future("due")],
    then: &[],
    many: None,
    deadlines: &[
        DeadlineSpec {
            name: "hold_by",
            zh: "应举行",
            en: "to be held by",
            while_in: &["planned", "scripted"],
            after: &[After::Field("due")],
            ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "drill.remind", step: Step::Superior }],
        },
        DeadlineSpec {
            name: "script",
            zh: "下一步",
            en: "next step",
            while_in: &["running"],
            after: &[After::Field("next_at")],
            ladder: &[Rung { after: "", step: Step::Act("inject_next") }],
        },
    ],
};

/// What was played ends with the drill: no exercise order stays open on anybody's phone.
fn end_exercise(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    for kind in Kind::ALL {
        for item in stage.linked(&id.to_string(), kind) {
            if item.provenance == Provenance::Exercise {
                let fields = Fields::new();
                let cause = Cause::Consequence { of: id.to_string() };
                stage.act(item.id, Deed::new("end_exercise", &fields, cause))?;
            }
        }
    }
    Ok(())
}

/// A finding is real, whatever it was found in.
fn add_finding(stage: &mut Stage<'_>, id: ItemId, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(drill) = stage.changed(id) else { return Ok(()) };
    let text = deed.fields.get("finding").cloned().unwrap_or_else(|| "".into());
    let becomes = deed.fields.get("becomes").and_then(|v| v.as_text()).unwrap_or("lesson");
    let links = vec![Link::new("drill", id.to_string())];
    let cause = Cause::Consequence { of: id.to_string() };
    let (kind, fields) = if becomes == "hidden_danger" {
        let enterprise = drill.text("party");
        let mut fields = Fields::from([("title".into(), text), ("source".into(), "drill".into())]);
        if !enterprise.is_empty() {
            fields.insert("enterprise".into(), enterprise.into());
        }
        (Kind::HiddenDanger, fields)
    } else {
        (Kind::Lesson, Fields::from([("text".into(), text)]))
    };
    stage.create(kind, fields, links, (None, Provenance::Real), cause).map(|_| ())
}

/// A drill that is owed again and again is planned again when one was held or given up.
fn plan_next(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(drill) = stage.changed(id) else { return Ok(()) };
    let Some(every_d) = drill.number("every_d").filter(|d| *d > 0.0) else { return Ok(()) };
    let from = drill.time("started_at").or_else(|| drill.time("due")).unwrap_or(stage.now);
    let due = from.plus_s(every_d * 86_400.0).max(stage.now.plus_s(86_400.0));
    let kept = ["title", "party", "hazard", "plan", "form", "every_d"];
    let mut fields: Fields =
        drill.fields.iter().filter(|(n, _)| kept.contains(&&***n)).map(|(n, v)| (n.clone(), v.clone())).collect();
    fields.insert("due".into(), due.into());
    let cause = Cause::Consequence { of: id.to_string() };
    stage.create(Kind::Drill, fields, Vec::new(), (None, Provenance::Real), cause).map(|_| ())
}
