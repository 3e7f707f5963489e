//! 交接班: a computed list of everything open; each entry is taken or given to somebody, or nobody goes home (S4).

use std::sync::Arc;

use crate::flow::{
    ActionSpec, After, By, DeadlineSpec, FieldKind, FieldSpec, Flow, Guard, Receivers, Rung, StateSpec, Step, Then,
};
use crate::open_list::DARK;
use crate::stage::{Deed, Stage};
use crate::{Cause, Fields, Item, ItemId, Kind, Value, WorkRefusal, open_list};

use super::{action, end, field, given, needed, state};

const FIELDS: &[FieldSpec] = &[
    needed("successor", "接班人", "successor", FieldKind::Account),
    given("remarks", "备注", "remarks", FieldKind::LongText),
    given("equipment", "设备检查", "equipment check", FieldKind::Text),
    field("outgoing", "交班人", "outgoing", FieldKind::Account),
    field("entries", "未了事项", "open items", FieldKind::List),
    field("refs", "事项", "entries", FieldKind::List),
    field("to", "改派给", "given to", FieldKind::Account),
    field("signed_out_at", "交班签字时间", "outgoing signed at", FieldKind::Time),
    field("signed_out_by", "交班签字", "signed by outgoing", FieldKind::Account),
    field("signed_in_at", "接班签字时间", "successor signed at", FieldKind::Time),
    field("signed_in_by", "接班签字", "signed by successor", FieldKind::Account),
    field("escalated_to", "已报上级", "escalated to", FieldKind::Party),
];

const STATES: &[StateSpec] = &[
    state("open", "交接中", "handing over"),
    end("complete", "已完成", "complete"),
    end("cancelled", "取消", "cancelled"),
];

const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        then: &[Then::Shape(open_list::refresh)],
        ..action("refresh", ("刷新清单", "refresh the list"), &["open"], "", By::Hall)
    },
    ActionSpec {
        accepts: &["remarks", "equipment"],
        ..action("remark", ("补充", "add a remark"), &["open"], "", By::Hall)
    },
    ActionSpec {
        required: &["refs"],
        then: &[Then::Shape(take), Then::Clear(&["refs"])],
        ..action("take", ("接下", "take over"), &["open"], "", By::Hall)
    },
    ActionSpec {
        required: &["refs", "to"],
        then: &[Then::Shape(give), Then::Clear(&["refs", "to"])],
        ..action("give", ("改派", "give to another"), &["open"], "", By::Hall)
    },
    ActionSpec {
        guards: &[Guard::OtherPersonThan("successor")],
        then: &[Then::Once("signed_out_at"), Then::Actor("signed_out_by")],
        ..action("sign_out", ("交班签字", "outgoing signs"), &["open"], "", By::Hall)
    },
    ActionSpec {
        then: &[Then::Shape(only_successor), Then::Once("signed_in_at"), Then::Actor("signed_in_by")],
        ..action("sign_in", ("接班签字", "successor signs"), &["open"], "", By::Hall)
    },
    ActionSpec {
        then: &[Then::Shape(check_complete), Then::Follow(move_ownership), Then::Follow(relieve)],
        ..action("complete", ("完成交接", "complete"), &["open"], "complete", By::Hall)
    },
    ActionSpec {
        required: &["note"],
        then: &[Then::Follow(stay)],
        ..action("cancel", ("取消", "cancel"), &["open"], "cancelled", By::Hall)
    },
];

pub(super) const FLOW: Flow = Flow {
    kind: Kind::Handover,
    zh: "交接班",
    en: "hand-over",
    initial: "open",
    created_by: By::Hall,
    receivers: Receivers::None,
    states: STATES,
    actions: ACTIONS,
    fields: FIELDS,
    guards: &[Guard::OtherPersonThan("successor")],
    then: &[Then::Actor("outgoing"), Then::Shape(open), Then::Follow(begin)],
    many: None,
    deadlines: &[DeadlineSpec {
        name: "sign",
        zh: "签字",
        en: "sign",
        while_in: &["open"],
        after: &[After::Profile("handover.sign")],
        ladder: &[Rung { after: "", step: Step::Remind }, Rung { after: "handover.sign", step: Step::Superior }],
    }],
};

/// One hand-over at a time; its list is computed, never typed.
fn open(stage: &Stage<'_>, item: &mut Item, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    if let Some(other) = stage.open_of(Kind::Handover).first() {
        return Err(WorkRefusal::ItemsOpen { items: vec![other.id.to_string()] });
    }
    open_list::refresh(stage, item, deed)
}

fn only_successor(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let successor = item.text("successor");
    if stage.actor.account == successor {
        return Ok(());
    }
    Err(WorkRefusal::invalid("successor", format!("only {successor} takes over")))
}

fn take(stage: &Stage<'_>, item: &mut Item, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    only_successor(stage, item, deed)?;
    let to = item.text("successor").to_owned();
    open_list::mark(item, "taken", &to)
}

fn give(_: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let to = item.text("to").to_owned();
    open_list::mark(item, "reassigned", &to)
}

/// Both signed, the list is as of now, and nothing on it is without a keeper. What the two saw they must have decided on;
/// what came since the list was last shown is the successor's, who has the watch from now on: in a flood of alarms there is
/// no moment at which nothing is new, and a hand-over that waits for one never ends.
fn check_complete(stage: &Stage<'_>, item: &mut Item, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    let seen = open_list::references(item);
    open_list::refresh(stage, item, deed)?;
    let (loose, arrived): (Vec<String>, Vec<String>) =
        open_list::with_status(item, "open").into_iter().partition(|reference| seen.contains(reference));
    if !loose.is_empty() {
        return Err(WorkRefusal::ItemsOpen { items: loose });
    }
    let successor = item.text("successor").to_owned();
    open_list::pass_on(item, &arrived, &successor);
    crate::check::required(&["signed_out_by", "signed_in_by"], &item.fields, "")
}

/// Every item of the list belongs to who took it.
fn move_ownership(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(handover) = stage.changed(id) else { return Ok(()) };
    // Whoever kept a source that has come back keeps it no more.
    let bright = stage.book.kept().filter(|r| r.starts_with(DARK)).map(|r| (r.clone(), None));
    stage.alarm_owners.extend(bright.collect::<Vec<_>>());
    for (reference, to) in open_list::keepers(&handover) {
        if reference.starts_with("A-") || reference.starts_with(DARK) {
            stage.alarm_owners.insert(reference, Some(to));
            continue;
        }
        let open = reference.parse::<ItemId>().ok().and_then(|id| stage.item(id).cloned());
        let Some(item) = open.filter(|i| i.owner.as_deref() != Some(&*to)) else { continue };
        let mut item = Item::clone(&item);
        item.owner = Some(to.clone());
        let fields = Fields::from([("owner".into(), Value::Text(to))]);
        stage.tell(item, &Deed::new("own", &fields, Cause::Consequence { of: id.to_string() }));
    }
    Ok(())
}

fn shift_of(stage: &Stage<'_>, id: ItemId) -> Option<Arc<Item>> {
    let handover = stage.changed(id)?;
    let shift = handover.linked("shift").find_map(|to| to.parse::<ItemId>().ok())?;
    stage.item(shift).cloned()
}

fn move_shift(stage: &mut Stage<'_>, id: ItemId, action: &str) -> Result<(), WorkRefusal> {
    let Some(shift) = shift_of(stage, id) else { return Ok(()) };
    let fields = Fields::new();
    stage.act(shift.id, Deed::new(action, &fields, Cause::Consequence { of: id.to_string() }))
}

fn begin(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    move_shift(stage, id, "hand_over")
}

fn relieve(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    move_shift(stage, id, "relieve")
}

fn stay(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    move_shift(stage, id, "stay")
}
