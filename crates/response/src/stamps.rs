//! The nine stamps of an incident and the gaps between them (X3). An event sets a stamp once; a person sets by hand what
//! no event gave.

use model::Time;

use crate::book::Turn;
use crate::stage::{Deed, Stage};
use crate::{
    AlarmNews, AlarmRef, Book, Cause, Fields, Item, ItemId, Kind, Sight, Value, WorkEvent, WorkRefusal, WorkSettings,
};

/// The stamps in their usual order.
pub(crate) const CHOICES: [(&str, &str, &str); 9] = [
    ("sign", "征兆", "sign"),
    ("alarm", "报警", "alarm"),
    ("first_look", "首看", "first look"),
    ("confirmed", "确认", "confirmed"),
    ("first_order", "首令", "first order"),
    ("first_arrival", "首到场", "first arrival"),
    ("first_report", "首报", "first report"),
    ("warning", "预警", "warning"),
    ("controlled", "受控", "under control"),
];

/// The names of the nine stamps in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHOICES.iter().map(|c| c.0)
}

/// What a stamp is called, `(Chinese, English)`.
pub fn words(stamp: &str) -> Option<(&'static str, &'static str)> {
    CHOICES.iter().find(|c| c.0 == stamp).map(|c| (c.1, c.2))
}

/// A stamp of an incident.
pub fn get(item: &Item, stamp: &str) -> Option<Time> {
    item.fields.get("stamps")?.part(stamp)?.as_time()
}

/// Sets a stamp that is not set; says whether it did.
pub(crate) fn set(settings: &WorkSettings, item: &mut Item, stamp: &str, at: Time) -> bool {
    if get(item, stamp).is_some() {
        return false;
    }
    let mut stamps = match item.fields.get("stamps") {
        Some(Value::Record(stamps)) => stamps.clone(),
        _ => Fields::new(),
    };
    stamps.insert(stamp.into(), at.into());
    item.set("stamps", Value::Record(stamps));
    item.set("gaps", gaps(settings, item));
    true
}

/// Seconds from each stamp to the next one that is set, with the target where the profile has one.
fn gaps(settings: &WorkSettings, item: &Item) -> Value {
    let set: Vec<(&str, Time)> = names().filter_map(|n| get(item, n).map(|at| (n, at))).collect();
    let gap = |pair: &[(&str, Time)]| {
        let ((from, t0), (to, t1)) = (pair[0], pair[1]);
        let mut parts = vec![("from", from.into()), ("s", Value::Number(t1.since_us(t0) as f64 / 1e6))];
        if let Some(target) = settings.value(&format!("stamp.{to}")) {
            parts.push(("target_s", Value::Number(target)));
        }
        (to.into(), Value::Record(parts.into_iter().map(|(n, v)| (n.into(), v)).collect()))
    };
    Value::Record(set.windows(2).map(gap).collect())
}

/// What the alarms of a new incident, and the orders that answered them, say already.
pub(crate) fn from_alarms(stage: &Stage<'_>, item: &mut Item) {
    let settings = stage.book.settings().clone();
    let alarms = &stage.sight.alarms;
    let mut first = |stamp: &str, at: Option<Time>| {
        if let Some(at) = at {
            set(&settings, item, stamp, at);
        }
    };
    first("alarm", alarms.iter().map(|a| a.raised_at).min());
    first("first_look", alarms.iter().filter_map(|a| a.acknowledged_at).min());
    first("confirmed", alarms.iter().filter_map(|a| a.acknowledged_at).min());
    let orders: Vec<_> = alarms.iter().flat_map(|a| stage.linked(&a.id, Kind::Order)).collect();
    first("first_order", orders.iter().filter_map(|o| o.time("issued_at")).min());
    first("first_arrival", orders.iter().filter_map(|o| o.time("arrived_at")).min());
}

/// A person sets what no event gave; neither twice nor in the future.
pub(crate) fn by_hand(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let (stamp, at) = (item.text("stamp").to_owned(), item.time("stamp_at").unwrap_or(stage.now));
    if at > stage.now {
        return Err(WorkRefusal::invalid("stamp_at", "is in the future"));
    }
    if set(stage.book.settings(), item, &stamp, at) {
        return Ok(());
    }
    Err(WorkRefusal::invalid("stamp", format!("{stamp} is set already")))
}

/// An order was issued or its receiver arrived: the open incidents it belongs to note the first one.
pub(crate) fn from_order(stage: &mut Stage<'_>, id: ItemId, stamp: &str) -> Result<(), WorkRefusal> {
    let Some(order) = stage.changed(id) else { return Ok(()) };
    let mut incidents: Vec<ItemId> = order.linked("incident").filter_map(|to| to.parse().ok()).collect();
    for alarm in order.linked("alarm") {
        incidents.extend(stage.linked(alarm, Kind::Incident).iter().map(|i| i.id));
    }
    for incident in incidents {
        stamp_event(stage, incident, stamp, &id.to_string());
    }
    Ok(())
}

/// Sets a stamp of an open incident and tells it, if it was not set.
fn stamp_event(stage: &mut Stage<'_>, incident: ItemId, stamp: &str, of: &str) {
    let Some(item) = stage.item(incident).filter(|i| get(i, stamp).is_none()) else { return };
    let mut item = Item::clone(item);
    set(stage.book.settings(), &mut item, stamp, stage.now);
    let fields = Fields::from([("stamp".into(), stamp.into())]);
    stage.tell(item, &Deed::new("stamp", &fields, Cause::Consequence { of: of.to_owned() }));
}

impl Book {
    /// A person handled an alarm: the first look at the incidents it belongs to, and perhaps their confirmation.
    pub(crate) fn stamp_handled(&mut self, turn: Turn<'_>, alarm: &AlarmRef, news: AlarmNews) -> Vec<WorkEvent> {
        let incidents: Vec<ItemId> =
            self.linked(&alarm.id).map(|i| i.id).filter(|i| i.kind == Kind::Incident).collect();
        if incidents.is_empty() {
            return Vec::new();
        }
        self.cause(turn, &Sight::default(), |stage| {
            for incident in incidents {
                stamp_event(stage, incident, "first_look", &alarm.id);
                if news == (AlarmNews::Handled { acknowledged: true }) {
                    stamp_event(stage, incident, "confirmed", &alarm.id);
                }
            }
            Ok(())
        })
    }
}
