//! 查岗: one call for each target, a second call for who does not answer, and a result for each (S3).

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::stage::{Deed, Stage};
use crate::{Cause, Fields, Item, ItemId, Kind, Link, PARTS_MAX, Value, WorkRefusal, check};

use super::{EXERCISE_OVER, action, end, end_exercise, field, given, needed, state};

const MODE: FieldKind = FieldKind::Choice(&[("all", "全部", "all targets"), ("random", "随机抽查", "random sample")]);

const CHANNEL: FieldKind =
    FieldKind::Choice(&[("phone", "电话", "telephone"), ("video", "视频", "video"), ("app", "手机端", "app")]);

const COUNT: FieldKind = FieldKind::Number { unit: "" };

const FIELDS: &[FieldSpec] = &[
    needed("title", "任务", "task", FieldKind::Text),
    needed("targets", "对象", "targets", FieldKind::List),
    given("mode", "方式", "mode", MODE),
    given("sample", "抽查数", "sample", COUNT),
    given("seed", "随机种子", "seed", COUNT),
    given("channel", "渠道", "channel", CHANNEL),
    given("scheduled_at", "计划时间", "scheduled at", FieldKind::Time),
    field("total", "应答对象数", "targets called", COUNT),
    field("answered", "已应答", "answered", COUNT),
    field("unanswered", "未应答", "not answered", COUNT),
    field("absent", "离岗", "absent", COUNT),
    field("circulated_at", "通报时间", "circulated at", FieldKind::Time),
];

const STATES: &[StateSpec] = &[
    state("scheduled", "已计划", "scheduled"),
    state("calling", "呼叫中", "calling"),
    state("finished", "已有结果", "finished"),
    state("circulated", "已通报", "circulated"),
    end("closed", "已办结", "closed"),
    end("cancelled", "取消", "cancelled"),
    EXERCISE_OVER,
];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        then: &[Then::Follow(call_targets)],
        ..action("begin", ("开始", "begin"), &["scheduled"], "calling", By::Hall)
    },
    // Who was asked is in the first step and in the calls: five hundred names in each of five hundred frames are megabytes.
    ActionSpec {
        then: &[Then::Clear(&["targets"])],
        ..action("progress", ("进度", "progress"), &["calling"], "", By::System)
    },
    ActionSpec {
        then: &[Then::Clear(&["targets"])],
        ..action("finish", ("结束", "finish"), &["calling"], "finished", By::System)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Once("circulated_at")],
        ..action("circulate", ("通报", "circulate"), &["finished"], "circulated", By::Hall)
    },
    ActionSpec {
        guards: &[Guard::NoOpenLinked(Kind::Call)],
        ..action("close", ("办结", "close"), &["finished", "circulated"], "closed", By::Hall)
    },
    ActionSpec { required: &["note"], ..action("cancel", ("取消", "cancel"), &["scheduled"], "cancelled", By::Hall) },
    end_exercise(&["scheduled", "calling", "finished", "circulated"]),
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::RollCall,
    zh: "查岗",
    en: "roll-call",
    initial: "calling",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[Guard::Future("scheduled_at")],
    then: &[Then::Shape(choose), Then::Follow(call_targets)],
    many: None,
    deadlines: &[DeadlineSpec {
        name: "begin",
        zh: "开始",
        en: "begin",
        while_in: &["scheduled"],
        after: &[After::Field("scheduled_at")],
        ladder: &[Rung { after: "", step: Step::Act("begin") }],
    }],
};

fn targets(item: &Item) -> Vec<String> {
    let list = item.fields.get("targets").map_or(&[][..], Value::as_list);
    list.iter().filter_map(Value::as_text).map(str::to_owned).collect()
}

/// Who is called is settled at once: the seed is an argument, so that a replay calls the same ones.
fn choose(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let mut targets = targets(item);
    if targets.len() > PARTS_MAX {
        return Err(WorkRefusal::invalid("targets", format!("{} targets, at most {PARTS_MAX}", targets.len())));
    }
    for (i, target) in targets.iter().enumerate() {
        check::receiver(stage.book.settings(), target)?;
        if targets[..i].contains(target) {
            return Err(WorkRefusal::invalid("targets", format!("{target} twice")));
        }
    }
    if item.text("mode") == "random" {
        crate::check::required(&["sample", "seed"], &item.fields, "")?;
        let size = item.number("sample").unwrap_or(0.0) as usize;
        targets = sample(targets, size, item.number("seed").unwrap_or(0.0) as u64);
    }
    if targets.is_empty() {
        return Err(WorkRefusal::FieldRequired("targets".into()));
    }
    item.set("total", (targets.len() as f64).into());
    item.set("targets", Value::List(targets.into_iter().map(Value::Text).collect()));
    if item.time("scheduled_at").is_some() {
        item.state = "scheduled".into();
    }
    Ok(())
}

/// The first `size` of a Fisher–Yates shuffle by SplitMix64 (Steele, Lea, Flood 2014).
fn sample(mut targets: Vec<String>, size: usize, mut seed: u64) -> Vec<String> {
    let size = size.min(targets.len());
    for i in 0..size {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let pick = (z ^ (z >> 31)) % (targets.len() - i) as u64;
        targets.swap(i, i + pick as usize);
    }
    targets.truncate(size);
    targets
}

fn call_targets(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(task) = stage.changed(id).filter(|t| &*t.state == "calling") else { return Ok(()) };
    for target in targets(&task) {
        let mut fields = Fields::from([("title".into(), task.title.as_str().into())]);
        if let Some(channel) = task.fields.get("channel") {
            fields.insert("channel".into(), channel.clone());
        }
        let mut links = vec![Link::new("roll_call", id.to_string())];
        links.extend(task.links.iter().filter(|l| &*l.rel == "drill").cloned());
        let cause = Cause::Consequence { of: id.to_string() };
        stage.create(Kind::Call, fields, links, (Some(target), task.provenance), cause)?;
    }
    Ok(())
}

const CALL_FIELDS: &[FieldSpec] = &[
    needed("title", "任务", "task", FieldKind::Text),
    given("channel", "渠道", "channel", CHANNEL),
    field("latency_s", "应答用时", "answer latency", FieldKind::Number { unit: "s" }),
    field("second_at", "复呼时间", "second call at", FieldKind::Time),
    field("face_present", "人员在岗", "a face is present", FieldKind::Flag),
    field("uniform", "着装规范", "in uniform", FieldKind::Flag),
    field("answered_by", "应答人", "answered by", FieldKind::Text),
];

const RINGING: &[&str] = &["ringing", "second"];

const CALL_ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        accepts: &["face_present", "uniform", "answered_by"],
        then: &[Then::Shape(latency), Then::Follow(ended)],
        ..action("answer", ("应答", "answer"), RINGING, "answered", By::Either)
    },
    ActionSpec {
        required: &["note"],
        accepts: &["face_present"],
        then: &[Then::Shape(latency), Then::Follow(ended)],
        ..action("absent", ("视频离岗", "absent on video"), RINGING, "absent", By::Hall)
    },
    ActionSpec {
        then: &[Then::Once("second_at")],
        ..action("call_again", ("复呼", "call again"), &["ringing"], "second", By::Hall)
    },
    ActionSpec {
        then: &[Then::Follow(ended)],
        ..action("give_up", ("未应答", "not answered"), RINGING, "unanswered", By::Hall)
    },
    end_exercise(RINGING),
];

pub(super) const CALL: Flow = Flow {
    kind: Kind::Call,
    zh: "查岗呼叫",
    en: "call",
    initial: "ringing",
    created_by: By::System,
    receivers: Receivers::Required,
    states: &[
        state("ringing", "呼叫", "ringing"),
        state("second", "复呼", "second call"),
        end("answered", "已应答", "answered"),
        end("unanswered", "未应答", "not answered"),
        end("absent", "离岗", "absent"),
        EXERCISE_OVER,
    ],
    actions: CALL_ACTIONS,
    fields: CALL_FIELDS,
    guards: &[],
    then: &[],
    many: None,
    deadlines: &[
        DeadlineSpec {
            name: "answer",
            zh: "应答",
            en: "answer",
            while_in: &["ringing"],
            after: &[After::Profile("roll_call.answer")],
            ladder: &[Rung { after: "", step: Step::Act("call_again") }],
        },
        DeadlineSpec {
            name: "second_answer",
            zh: "复呼应答",
            en: "answer the second call",
            while_in: &["second"],
            after: &[After::Profile("roll_call.second")],
            ladder: &[Rung { after: "", step: Step::Act("give_up") }],
        },
    ],
};

fn latency(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let seconds = stage.now.since_us(item.created_at) as f64 / 1e6;
    item.set("latency_s", seconds.max(0.0).into());
    Ok(())
}

/// Counts the result; the last one ends the roll-call.
fn ended(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(call) = stage.changed(id) else { return Ok(()) };
    let task = call.linked("roll_call").find_map(|to| to.parse::<ItemId>().ok());
    let Some(task) = task.and_then(|t| stage.item(t).cloned()) else { return Ok(()) };
    let mut task = Item::clone(&task);
    let count = task.number(&call.state).unwrap_or(0.0) + 1.0;
    task.set(&call.state, count.into());
    let results: f64 = ["answered", "unanswered", "absent"].iter().filter_map(|f| task.number(f)).sum();
    let last = results >= task.number("total").unwrap_or(0.0);
    let fields = Fields::new();
    let action = if last { "finish" } else { "progress" };
    stage.act_on(task, Deed::new(action, &fields, Cause::Consequence { of: id.to_string() }))
}
