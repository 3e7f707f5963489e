//! 隐患排查: general and major track, from report to recheck by another person (Work-Safety Law Art. 41, 70).

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Item, ItemId, Kind, Link, Value, WorkRefusal};

use super::{EXERCISE_OVER, action, end, end_exercise, field, given, state};

const SOURCE: FieldKind = FieldKind::Choice(&[
    ("alarm", "报警衍生", "from an alarm"),
    ("ai_camera", "AI 摄像机", "AI camera"),
    ("grid_member", "网格员", "grid member"),
    ("self_check", "企业自查", "enterprise self-check"),
    ("joint_enforcement", "联合执法", "joint enforcement"),
    ("hotline", "热线举报", "hotline or whistle"),
    ("drill", "演练发现", "drill finding"),
    ("accident", "事故发现", "accident finding"),
]);

const CATEGORY: FieldKind =
    FieldKind::Choice(&[("scene", "现场管理", "on site"), ("management", "基础管理", "basic management")]);

const GRADE: FieldKind = FieldKind::Choice(&[("general", "一般隐患", "general"), ("major", "重大隐患", "major")]);

const MEASURE: FieldKind = FieldKind::Choice(&[
    ("evacuate", "撤出人员", "evacuate"),
    ("stop_business", "停产停业", "stop business"),
    ("stop_use", "停止使用", "stop use"),
    ("cut_power", "停止供电", "cut power"),
]);

const FIELDS: &[FieldSpec] = &[
    given("title", "隐患描述", "description", FieldKind::LongText),
    given("source", "来源", "source", SOURCE),
    given("enterprise", "企业", "enterprise", FieldKind::Party),
    given("town", "镇街", "town", FieldKind::Text),
    given("industry", "行业", "industry", FieldKind::Text),
    given("place", "部位", "place", FieldKind::Text),
    given("position", "电子地图点位", "point on the plan", FieldKind::Record),
    given("category", "类别", "category", CATEGORY),
    given("clause", "违反条款", "clause violated", FieldKind::Text),
    given("finder", "发现人", "finder", FieldKind::Person),
    given("camera", "关联摄像机", "camera", FieldKind::Text),
    given("recurrence_of", "复发自", "recurrence of", FieldKind::Text),
    field("evidence", "证据", "evidence", FieldKind::List),
    field("grade", "等级", "grade", GRADE),
    field("grade_ground", "定级依据", "ground of the grade", FieldKind::LongText),
    field("responsible", "整改责任人", "responsible person", FieldKind::Person),
    given("due", "整改期限", "due", FieldKind::Time),
    field("duty", "五落实：责任", "five musts: duty", FieldKind::Text),
    field("measures", "五落实：措施", "five musts: measures", FieldKind::LongText),
    field("funds", "五落实：资金", "five musts: funds", FieldKind::Text),
    field("time_limit", "五落实：时限", "five musts: time limit", FieldKind::Text),
    field("contingency", "五落实：预案", "five musts: contingency plan", FieldKind::LongText),
    field("supervision", "挂牌督办", "listed supervision", FieldKind::Text),
    field("reported_to", "报送部门和职代会", "reported to department and workers' congress", FieldKind::Text),
    field("cost", "整改费用", "cost", FieldKind::Number { unit: "CNY" }),
    field("measure", "强制措施", "measure", MEASURE),
    field("emergency", "紧急情形", "emergency", FieldKind::Flag),
    field("effective_at", "生效时间", "effective at", FieldKind::Time),
    field("stopped_at", "责令时间", "ordered at", FieldKind::Time),
    field("stopped_by", "责令人", "ordered by", FieldKind::Account),
    field("verified_by", "核实人", "verified by", FieldKind::Account),
    field("started_by", "整改人", "rectified by", FieldKind::Account),
    field("completed_by", "完成人", "completed by", FieldKind::Account),
    field("completed_at", "完成时间", "completed at", FieldKind::Time),
    field("rechecked_by", "复查人", "rechecked by", FieldKind::Account),
    field("round", "整改轮次", "round", FieldKind::Number { unit: "" }),
    field("extension_until", "申请延期至", "extension asked until", FieldKind::Time),
    field("extension_by", "延期申请人", "extension asked by", FieldKind::Account),
    field("extensions", "已延期次数", "extensions granted", FieldKind::Number { unit: "" }),
    field("merged_into", "并入", "merged into", FieldKind::Text),
    field("summoned_at", "约谈/通报时间", "summoned and circulated at", FieldKind::Time),
    field("case_filed_at", "立案时间", "case filed at", FieldKind::Time),
    field("escalated_to", "已报上级", "escalated to", FieldKind::Party),
];

const STATES: &[StateSpec] = &[
    state("reported", "上报", "reported"),
    state("verified", "核实", "verified"),
    state("graded", "定级", "graded"),
    state("assigned", "交办", "assigned"),
    state("rectifying", "整改中", "rectifying"),
    state("completed", "整改完成，待复查", "completed, to be rechecked"),
    state("qualified", "合格", "qualified"),
    end("closed", "销号", "closed"),
    end("unfounded", "不成立", "unfounded"),
    end("merged", "重复并入", "merged"),
    EXERCISE_OVER,
];

const FIVE_MUSTS: &[&str] = &["duty", "measures", "funds", "time_limit", "contingency", "supervision", "reported_to"];
const DESCRIBED: &[&str] = &[
    "title",
    "enterprise",
    "town",
    "industry",
    "place",
    "position",
    "category",
    "clause",
    "finder",
    "camera",
    "responsible",
    "duty",
    "measures",
    "funds",
    "time_limit",
    "contingency",
    "supervision",
    "reported_to",
];
const OPEN: &[&str] = &["verified", "graded", "assigned", "rectifying", "completed"];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        accepts: DESCRIBED,
        then: &[Then::Actor("verified_by")],
        ..action("verify", ("核实", "verify"), &["reported"], "verified", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        ..action("unfounded", ("不成立", "unfounded"), &["reported", "verified"], "unfounded", By::Hall)
    },
    ActionSpec {
        required: &["merged_into"],
        then: &[Then::Shape(check_merge)],
        ..action("merge", ("并入", "merge"), &["reported", "verified"], "merged", By::Hall)
    },
    ActionSpec {
        required: &["grade", "grade_ground"],
        ..action("grade", ("定级", "grade"), &["verified", "graded"], "graded", By::Hall)
    },
    ActionSpec {
        required: &["responsible"],
        accepts: &["due", "duty", "measures", "funds", "time_limit", "contingency", "supervision", "reported_to"],
        guards: &[Guard::Future("due")],
        then: &[Then::OwnerFrom("responsible"), Then::Restart("due")],
        ..action("assign", ("交办", "assign"), &["graded", "assigned"], "assigned", By::Hall)
    },
    ActionSpec { accepts: DESCRIBED, ..action("supplement", ("补充", "supplement"), OPEN, "", By::Either) },
    ActionSpec {
        accepts: FIVE_MUSTS,
        guards: &[Guard::FieldsWhen { field: "grade", is: "major", required: FIVE_MUSTS }],
        then: &[Then::Actor("started_by"), Then::Count("round")],
        ..action("start", ("开始整改", "start"), &["assigned"], "rectifying", By::Receiver)
    },
    ActionSpec {
        required: &["extension_until", "note"],
        guards: &[
            Guard::CountBelow { field: "extensions", profile: "hidden_danger.extensions" },
            Guard::Future("extension_until"),
        ],
        then: &[Then::Actor("extension_by")],
        ..action("request_extension", ("申请延期", "request extension"), &["assigned", "rectifying"], "", By::Receiver)
    },
    ActionSpec {
        guards: &[
            Guard::Set("extension_until"),
            Guard::OtherPersonThan("extension_by"),
            Guard::CountBelow { field: "extensions", profile: "hidden_danger.extensions" },
        ],
        then: &[
            Then::Copy("extension_until", "due"),
            Then::Count("extensions"),
            Then::Clear(&["extension_until", "extension_by"]),
            Then::Restart("due"),
        ],
        ..action("approve_extension", ("批准延期", "approve extension"), &["assigned", "rectifying"], "", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        guards: &[Guard::Set("extension_until"), Guard::OtherPersonThan("extension_by")],
        then: &[Then::Clear(&["extension_until", "extension_by"])],
        ..action("refuse_extension", ("不予延期", "refuse extension"), &["assigned", "rectifying"], "", By::Hall)
    },
    ActionSpec {
        required: &["measure", "note"],
        accepts: &["emergency", "effective_at"],
        then: &[Then::Shape(check_power_cut), Then::At("stopped_at"), Then::Actor("stopped_by")],
        ..action("stop_work", ("责令停产/撤离", "order a stop"), OPEN, "", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        guards: &[Guard::Set("stopped_by"), Guard::OtherPersonThan("stopped_by")],
        then: &[Then::Clear(&["measure", "stopped_at", "stopped_by", "effective_at", "emergency"])],
        ..action("resume_work", ("审查同意恢复", "resume after review"), OPEN, "", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        accepts: &["cost"],
        guards: &[Guard::FieldsWhen { field: "grade", is: "major", required: &["cost"] }],
        then: &[Then::Actor("completed_by"), Then::At("completed_at")],
        ..action("complete", ("整改完成", "complete"), &["rectifying"], "completed", By::Receiver)
    },
    ActionSpec {
        required: &["note"],
        guards: &[Guard::OtherPersonThan("completed_by"), Guard::OtherPersonThan("started_by")],
        then: &[Then::Actor("rechecked_by")],
        ..action("pass", ("复查合格", "recheck passed"), &["completed"], "qualified", By::Hall)
    },
    ActionSpec {
        required: &["note", "due"],
        guards: &[Guard::OtherPersonThan("completed_by"), Guard::OtherPersonThan("started_by"), Guard::Future("due")],
        then: &[
            Then::Actor("rechecked_by"),
            Then::Count("round"),
            Then::Clear(&["completed_by", "completed_at"]),
            Then::Restart("due"),
        ],
        ..action("fail", ("复查不合格", "recheck failed"), &["completed"], "rectifying", By::Hall)
    },
    ActionSpec {
        guards: &[
            Guard::OtherPersonThan("completed_by"),
            Guard::OtherPersonThan("started_by"),
            Guard::Set("rechecked_by"),
        ],
        ..action("close", ("销号", "close"), &["qualified"], "closed", By::Hall)
    },
    ActionSpec {
        then: &[Then::Once("summoned_at")],
        ..action("summon", ("约谈/通报", "summon and circulate"), &["assigned", "rectifying"], "", By::Hall)
    },
    ActionSpec {
        then: &[Then::Once("case_filed_at")],
        ..action("file_case", ("立案", "file a case"), &["assigned", "rectifying"], "", By::Hall)
    },
    end_exercise(&["reported", "verified", "graded", "assigned", "rectifying", "completed", "qualified"]),
];

const DEADLINES: &[DeadlineSpec] = &[
    DeadlineSpec {
        name: "verify",
        zh: "核实",
        en: "verify",
        while_in: &["reported"],
        after: &[After::Profile("hidden_danger.verify")],
        ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "hidden_danger.urge", step: Step::Overdue }],
    },
    DeadlineSpec {
        name: "due",
        zh: "整改",
        en: "rectify",
        while_in: &["assigned", "rectifying"],
        after: &[After::Field("due"), After::ProfileBy("hidden_danger.due", "grade")],
        ladder: &[
            Rung { after: "", step: Step::Remind },
            Rung { after: "hidden_danger.urge", step: Step::Remind },
            Rung { after: "hidden_danger.summon", step: Step::Act("summon") },
            Rung { after: "hidden_danger.file_case", step: Step::Act("file_case") },
        ],
    },
    DeadlineSpec {
        name: "recheck",
        zh: "复查",
        en: "recheck",
        while_in: &["completed"],
        after: &[After::Profile("hidden_danger.recheck")],
        ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "hidden_danger.urge", step: Step::Overdue }],
    },
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::HiddenDanger,
    zh: "隐患",
    en: "hidden danger",
    initial: "reported",
    created_by: By::Hall,
    receivers: Receivers::Optional,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[Guard::Future("due")],
    then: &[Then::Shape(attach_evidence)],
    many: None,
    deadlines: DEADLINES,
};

/// One action from an alarm, a camera or an order: what is known there is taken over (H1).
fn attach_evidence(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let mut evidence = Vec::new();
    let alarms: Vec<String> = item.linked("alarm").map(str::to_owned).collect();
    for alarm in stage.sight.alarms.iter().filter(|a| alarms.contains(&a.id)) {
        let tag = Link::new("tag", alarm.tag.clone());
        if !item.links.contains(&tag) {
            item.links.push(tag);
        }
        fill(item, "enterprise", &alarm.enterprise);
        fill(item, "title", &alarm.title);
        evidence.push(Value::record([
            ("ref", alarm.id.as_str().into()),
            ("tag", alarm.tag.as_str().into()),
            ("at", alarm.raised_at.into()),
            ("text", alarm.evidence.as_str().into()),
        ]));
    }
    for order in linked_orders(stage, item) {
        fill(item, "title", order.text("content"));
        fill(item, "place", order.text("place"));
        let text = order.text("content");
        let id = order.id.to_string();
        evidence.push(Value::record([("ref", id.into()), ("at", order.created_at.into()), ("text", text.into())]));
    }
    if !evidence.is_empty() {
        item.set("evidence", Value::List(evidence));
    }
    complete_source(stage, item)
}

fn linked_orders(stage: &Stage<'_>, item: &Item) -> Vec<std::sync::Arc<Item>> {
    let ids = item.linked("order").filter_map(|to| to.parse::<ItemId>().ok());
    ids.filter_map(|id| stage.item(id).cloned()).collect()
}

/// Where it comes from follows from what it is linked to; who it is about gives town, industry and receiver.
fn complete_source(stage: &Stage<'_>, item: &mut Item) -> Result<(), WorkRefusal> {
    let by_link = [("alarm", "alarm"), ("camera", "ai_camera"), ("drill", "drill"), ("incident", "accident")];
    if let Some((_, source)) = by_link.iter().find(|(rel, _)| item.linked(rel).next().is_some()) {
        fill(item, "source", source);
    }
    if let Some(party) = stage.book.settings().party(item.text("enterprise")).cloned() {
        fill(item, "town", &party.town);
        fill(item, "industry", &party.industry);
        item.receiver = item.receiver.take().or(Some(party.id));
    }
    let blank = ["source", "title"].into_iter().find(|f| item.text(f).trim().is_empty());
    blank.map_or(Ok(()), |f| Err(WorkRefusal::FieldRequired(f.to_owned())))
}

fn fill(item: &mut Item, field: &str, text: &str) {
    if item.text(field).trim().is_empty() && !text.is_empty() {
        item.set(field, text.into());
    }
}

fn check_merge(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let into = item.text("merged_into").to_owned();
    let other = into.parse::<ItemId>().ok().filter(|id| id.kind == Kind::HiddenDanger && *id != item.id);
    let fits = other.is_some_and(|id| stage.knows(id) && id.provenance() == item.provenance);
    if fits { Ok(()) } else { Err(WorkRefusal::not_found("hidden_danger", into)) }
}

/// Work-Safety Law Art. 70: power is cut with 24 hours' notice, except in an emergency.
fn check_power_cut(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let noticed = item.time("effective_at").is_some_and(|t| t >= stage.now.plus_s(86_400.0));
    if item.text("measure") != "cut_power" || item.flag("emergency") || noticed {
        return Ok(());
    }
    Err(WorkRefusal::invalid("effective_at", "a power cut needs 24 h notice, or an emergency"))
}
