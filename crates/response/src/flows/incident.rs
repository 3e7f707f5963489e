//! 事故处置: from the first report to the archived review. Activation states what the law asks for (Emergency Response
//! Law 2024, Art. 71–72); what a plan's level orders is made in the same transaction (X1).

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Cause, Fields, Item, ItemId, Kind, Link, Value, WorkRefusal, grade, plan, stamps};

use super::{EXERCISE_OVER, action, end, end_exercise, field, given, state};

pub(crate) const LEVEL: FieldKind = FieldKind::Choice(&[
    ("I", "Ⅰ级响应", "level I"),
    ("II", "Ⅱ级响应", "level II"),
    ("III", "Ⅲ级响应", "level III"),
    ("IV", "Ⅳ级响应", "level IV"),
]);

const STAMP: FieldKind = FieldKind::Choice(&stamps::CHOICES);

const COUNT: FieldKind = FieldKind::Number { unit: "人" };

const FIELDS: &[FieldSpec] = &[
    given("title", "名称", "title", FieldKind::Text),
    given("enterprise", "单位", "enterprise", FieldKind::Party),
    given("town", "镇街", "town", FieldKind::Text),
    given("industry", "行业", "industry", FieldKind::Text),
    given("place", "地点", "place", FieldKind::Text),
    given("position", "位置", "position", FieldKind::Record),
    given("happened_at", "事发时间", "happened at", FieldKind::Time),
    given("reported_by", "信息来源", "source of the report", FieldKind::Text),
    given("hazard", "事故类型", "hazard", FieldKind::Text),
    given("chemical", "危险化学品", "chemical", FieldKind::Text),
    given("sensitive", "敏感时期或地点", "sensitive time or place", FieldKind::Flag),
    given("dead", "死亡", "dead", COUNT),
    given("missing", "失联", "missing", COUNT),
    given("severely_injured", "重伤（含急性中毒）", "severely injured", COUNT),
    given("injured", "轻伤", "slightly injured", COUNT),
    given("at_risk", "涉险", "at risk", COUNT),
    given("loss", "直接经济损失", "direct loss", FieldKind::Number { unit: "CNY" }),
    field("grade", "事故等级", "grade", grade::CHOICES),
    field("suggested_level", "建议响应级别", "suggested level", LEVEL),
    field("plan", "预案", "plan", FieldKind::Text),
    field("level", "响应级别", "response level", LEVEL),
    field("matters", "响应事项", "matters", FieldKind::LongText),
    field("expected_duration_s", "预计期限", "expected duration", FieldKind::Number { unit: "s" }),
    field("measures", "应急处置措施", "measures", FieldKind::LongText),
    field("activated_at", "启动时间", "activated at", FieldKind::Time),
    field("terminated_at", "终止时间", "terminated at", FieldKind::Time),
    field("level_change", "级别调整的任务变化", "tasks by the change of level", FieldKind::Record),
    given("roles", "指挥部职务", "roles", FieldKind::Record),
    field("role", "职务", "role", FieldKind::Text),
    field("person", "担任者", "who", FieldKind::Person),
    field("checklist", "检查单", "checklist", FieldKind::List),
    field("check_no", "检查项序号", "checklist line", FieldKind::Number { unit: "" }),
    field("pins", "时间线", "pinned entries", FieldKind::List),
    field("pin_at", "发生时间", "happened at", FieldKind::Time),
    field("stamp", "时刻", "stamp", STAMP),
    field("stamp_at", "时间", "time", FieldKind::Time),
    field("stamps", "九个时刻", "the nine stamps", FieldKind::Record),
    field("gaps", "间隔", "gaps", FieldKind::Record),
    field("tasks_done", "已完成任务", "tasks done", FieldKind::List),
    field("lesson", "整改项内容", "lesson", FieldKind::LongText),
    field("assignee", "责任人", "assignee", FieldKind::Person),
    field("due", "期限", "due", FieldKind::Time),
    field("conclusion", "评估结论", "conclusion", FieldKind::LongText),
];

const STATES: &[StateSpec] = &[
    state("reported", "险情接报", "reported"),
    state("verified", "核实", "verified"),
    state("filed", "立案", "filed"),
    state("active", "响应中", "response active"),
    state("terminated", "响应终止", "response terminated"),
    state("aftermath", "善后", "aftermath"),
    state("review", "评估复盘", "review"),
    end("archived", "归档", "archived"),
    end("unfounded", "不属实", "unfounded"),
    EXERCISE_OVER,
];

const BEFORE: &[&str] = &["reported", "verified", "filed"];
const ALIVE: &[&str] = &["reported", "verified", "filed", "active", "terminated", "aftermath", "review"];
const NUMBERS: &[&str] = &["dead", "missing", "severely_injured", "injured", "at_risk", "loss", "sensitive"];
const DESCRIBED: &[&str] = &[
    "title",
    "enterprise",
    "town",
    "industry",
    "place",
    "position",
    "happened_at",
    "reported_by",
    "hazard",
    "chemical",
    "dead",
    "missing",
    "severely_injured",
    "injured",
    "at_risk",
    "loss",
    "sensitive",
];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        accepts: DESCRIBED,
        then: &[Then::Shape(regrade), Then::Shape(confirmed)],
        ..action("verify", ("核实", "verify"), &["reported"], "verified", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        ..action("unfounded", ("不属实", "unfounded"), &["reported", "verified"], "unfounded", By::Hall)
    },
    ActionSpec {
        accepts: DESCRIBED,
        then: &[Then::Shape(regrade)],
        ..action("file", ("立案", "file"), &["reported", "verified"], "filed", By::Hall)
    },
    ActionSpec {
        accepts: DESCRIBED,
        then: &[Then::Shape(regrade)],
        ..action("update", ("更新情况", "update"), ALIVE, "", By::Hall)
    },
    ActionSpec {
        required: &["plan", "level", "matters", "expected_duration_s", "measures"],
        accepts: &["roles", "chemical"],
        then: &[Then::Shape(plan::activate), Then::Once("activated_at"), Then::Own, Then::Follow(plan::create_tasks)],
        ..action("activate", ("启动响应", "activate"), BEFORE, "active", By::Hall)
    },
    ActionSpec {
        required: &["level", "note"],
        accepts: &["matters", "expected_duration_s", "measures"],
        then: &[
            Then::Shape(plan::change_level),
            Then::Restart("duration"),
            Then::Follow(plan::revoke_tasks),
            Then::Follow(plan::create_tasks),
        ],
        ..action("change_level", ("调整级别", "change level"), &["active"], "", By::Hall)
    },
    ActionSpec {
        required: &["expected_duration_s", "note"],
        then: &[Then::Restart("duration")],
        ..action("extend", ("延长期限", "extend"), &["active"], "", By::Hall)
    },
    ActionSpec {
        required: &["role", "person"],
        then: &[Then::Shape(appoint), Then::Clear(&["role", "person"])],
        ..action("appoint", ("任命", "appoint"), ALIVE, "", By::Hall)
    },
    ActionSpec {
        required: &["check_no"],
        then: &[Then::Shape(tick), Then::Clear(&["check_no"])],
        ..action("tick", ("检查项完成", "tick"), &["active", "terminated"], "", By::Either)
    },
    ActionSpec {
        required: &["note"],
        accepts: &["pin_at"],
        then: &[Then::Shape(pin), Then::Clear(&["pin_at"])],
        ..action("pin", ("记入时间线", "pin"), ALIVE, "", By::Hall)
    },
    ActionSpec {
        required: &["stamp", "stamp_at"],
        then: &[Then::Shape(stamps::by_hand), Then::Clear(&["stamp", "stamp_at"])],
        ..action("stamp", ("补记时刻", "set a stamp"), ALIVE, "", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Shape(controlled)],
        ..action("control", ("险情受控", "under control"), &["active"], "", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Once("terminated_at"), Then::Shape(controlled), Then::Follow(plan::withdraw_unanswered)],
        ..action("terminate", ("终止响应", "terminate"), &["active"], "terminated", By::Hall)
    },
    action("aftermath", ("善后", "aftermath"), &["terminated"], "aftermath", By::Hall),
    action("review", ("评估复盘", "review"), &["filed", "terminated", "aftermath"], "review", By::Hall),
    ActionSpec {
        required: &["lesson"],
        accepts: &["assignee", "due"],
        then: &[Then::Follow(add_lesson)],
        ..action("add_lesson", ("提出整改项", "add a lesson"), &["terminated", "aftermath", "review"], "", By::Hall)
    },
    ActionSpec {
        required: &["conclusion"],
        guards: &[Guard::LinkedHaveOwner(Kind::Lesson), Guard::NoOpenLinked(Kind::Order)],
        ..action("archive", ("归档", "archive"), &["review"], "archived", By::Hall)
    },
    end_exercise(ALIVE),
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Incident,
    zh: "事故",
    en: "incident",
    initial: "reported",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[],
    then: &[Then::Shape(open), Then::Shape(regrade)],
    many: None,
    deadlines: &[
        DeadlineSpec {
            name: "verify",
            zh: "核实",
            en: "verify",
            while_in: &["reported"],
            after: &[After::Profile("incident.verify")],
            ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "ladder.overdue", step: Step::Overdue }],
        },
        DeadlineSpec {
            name: "duration",
            zh: "预计期限",
            en: "expected duration",
            while_in: &["active"],
            after: &[After::Within("expected_duration_s")],
            ladder: &[Rung { after: "", step: Step::Remind }],
        },
    ],
};

/// What the alarms and the orders that answered them say already.
fn open(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    for alarm in &stage.sight.alarms {
        let tag = Link::new("tag", alarm.tag.clone());
        if !item.links.contains(&tag) {
            item.links.push(tag);
        }
        for (field, text) in [("enterprise", &alarm.enterprise), ("title", &alarm.title)] {
            if item.text(field).is_empty() {
                item.set(field, text.as_str().into());
            }
        }
    }
    if let Some(party) = stage.book.settings().party(item.text("enterprise")) {
        for (field, text) in [("town", party.town.clone()), ("industry", party.industry.clone())] {
            if item.text(field).is_empty() {
                item.set(field, text.into());
            }
        }
    }
    if item.text("title").trim().is_empty() {
        return Err(WorkRefusal::FieldRequired("title".into()));
    }
    stamps::from_alarms(stage, item);
    Ok(())
}

/// The grade follows the numbers, each time they are told.
fn regrade(_: &Stage<'_>, item: &mut Item, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    let told = deed.action == "create" || deed.fields.keys().any(|f| NUMBERS.contains(&&**f));
    if told {
        let number = |field: &str| item.number(field).unwrap_or(0.0);
        let (dead, injured, loss) = (number("dead"), number("severely_injured"), number("loss"));
        let level = grade::suggested_level(dead + number("missing"), injured, loss, item.flag("sensitive"));
        item.set("grade", grade::grade(dead, injured, loss).into());
        item.set("suggested_level", level.into());
    }
    Ok(())
}

fn confirmed(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    stamps::set(stage.book.settings(), item, "confirmed", stage.now);
    Ok(())
}

fn controlled(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    stamps::set(stage.book.settings(), item, "controlled", stage.now);
    Ok(())
}

fn appoint(_: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let mut roles = match item.fields.get("roles") {
        Some(Value::Record(roles)) => roles.clone(),
        _ => Fields::new(),
    };
    roles.insert(item.text("role").into(), item.text("person").into());
    item.set("roles", Value::Record(roles));
    Ok(())
}

/// One line of the checklist is done, once.
fn tick(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let mut lines = item.fields.get("checklist").map_or_else(Vec::new, |c| c.as_list().to_vec());
    let number = item.number("check_no").unwrap_or(0.0);
    let line = lines.get_mut(number as usize).filter(|_| number.fract() == 0.0);
    let Some(Value::Record(line)) = line else {
        return Err(WorkRefusal::not_found("entry", format!("{number}")));
    };
    if line.get("done") == Some(&Value::Flag(true)) {
        return Err(WorkRefusal::invalid("check_no", "is done already"));
    }
    line.insert("done".into(), true.into());
    line.insert("at".into(), stage.now.into());
    line.insert("by".into(), stage.actor.account.as_str().into());
    item.set("checklist", Value::List(lines));
    Ok(())
}

/// Pinned entries of one incident at most.
const PINS_MAX: usize = 500;

fn pin(stage: &Stage<'_>, item: &mut Item, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    let mut pins = item.fields.get("pins").map_or_else(Vec::new, |p| p.as_list().to_vec());
    if pins.len() >= PINS_MAX {
        return Err(WorkRefusal::invalid("pins", format!("has {PINS_MAX} entries already")));
    }
    let at = item.time("pin_at").unwrap_or(stage.now);
    if at > stage.now {
        return Err(WorkRefusal::invalid("pin_at", "is in the future"));
    }
    let by = stage.actor.name.as_str().into();
    pins.push(Value::record([("at", at.into()), ("text", deed.note.into()), ("by", by)]));
    item.set("pins", Value::List(pins));
    Ok(())
}

fn add_lesson(stage: &mut Stage<'_>, id: ItemId, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(incident) = stage.changed(id) else { return Ok(()) };
    let taken = [("lesson", "text"), ("assignee", "assignee"), ("due", "due")].into_iter();
    let given = taken.filter_map(|(from, to)| deed.fields.get(from).map(|v| (to.into(), v.clone())));
    let links = vec![Link::new("incident", id.to_string())];
    let cause = Cause::Consequence { of: id.to_string() };
    stage.create(Kind::Lesson, given.collect(), links, (None, incident.provenance), cause).map(|_| ())
}
