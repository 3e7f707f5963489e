//! What follows an action: fields written, owners set, deadlines restarted, other items made or changed.

use model::Time;

use crate::flow::{Step, Then};
use crate::stage::{Deed, Stage};
use crate::{Cause, Fields, Item, ItemId, Value, WorkRefusal, check};

/// Changes of the item itself, before it is recorded.
pub(crate) fn before(
    stage: &Stage<'_>,
    then: &'static [Then],
    item: &mut Item,
    deed: &Deed<'_>,
) -> Result<(), WorkRefusal> {
    then.iter().try_for_each(|t| shape(stage, *t, item, deed))
}

fn shape(stage: &Stage<'_>, then: Then, item: &mut Item, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
    match then {
        Then::Actor(field) => item.set(field, stage.actor.account.as_str().into()),
        Then::Once(field) if item.fields.contains_key(field) => {}
        Then::Once(field) | Then::At(field) => item.set(field, stage.now.into()),
        Then::Set(field, word) => item.set(field, word.into()),
        Then::Count(field) => {
            let count = item.number(field).unwrap_or(0.0) + 1.0;
            item.set(field, count.into());
        }
        Then::Own => item.owner = Some(stage.actor.account.clone()),
        Then::OwnerFrom(field) => item.owner = Some(item.text(field).to_owned()).filter(|o| !o.is_empty()),
        Then::Copy(from, to) => {
            if let Some(value) = item.fields.get(from).cloned() {
                item.set(to, value);
            }
        }
        Then::Restart(name) => item.deadlines.retain(|d| &*d.name != name),
        Then::Clear(fields) => fields.iter().for_each(|f| {
            item.fields.remove(*f);
        }),
        Then::Shape(shape) => shape(stage, item, deed)?,
        Then::Follow(_) => {}
    }
    Ok(())
}

/// Changes of other items, after it is recorded.
pub(crate) fn after(
    stage: &mut Stage<'_>,
    then: &'static [Then],
    id: ItemId,
    deed: &Deed<'_>,
) -> Result<(), WorkRefusal> {
    for then in then {
        if let Then::Follow(follow) = then {
            follow(stage, id, deed)?;
        }
    }
    Ok(())
}

/// A ladder gives the item to the receiver's first substitute who was not tried yet; without one it says so.
pub(crate) fn substitute(stage: &mut Stage<'_>, item: Item, (cause, due): (Cause, Time)) {
    let settings = stage.book.settings().clone();
    let tried: Vec<&str> =
        item.fields.get("tried").map_or(&[][..], Value::as_list).iter().filter_map(Value::as_text).collect();
    let party = item.receiver.as_deref().and_then(|r| settings.party(r));
    let substitutes = party.map_or(&[][..], |p| &p.substitutes).iter();
    let free = |s: &&String| !tried.contains(&s.as_str()) && check::receiver(&settings, s).is_ok();
    let next = substitutes.filter(|s| Some(*s) != item.receiver.as_ref()).find(free).cloned();
    let given = next.map(|to| Fields::from([("to".into(), Value::Text(to))]));
    if let Some(fields) = given {
        let deed = Deed { at: Some(due), ..Deed::new(Step::Reassign.name(), &fields, cause.clone()) };
        let changed = item.clone();
        if stage.attempt(|stage| stage.act_on(with(changed, &fields), deed)).is_ok() {
            return;
        }
    }
    stage.tell(item, &Deed::new("unanswered", &Fields::new(), cause));
}

fn with(mut item: Item, fields: &Fields) -> Item {
    item.fields.extend(fields.clone());
    item
}
