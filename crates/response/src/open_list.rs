//! What a hand-over must pass on: open alarms (shelved and out of service too), orders, incidents, overdue hidden dangers,
//! and sources that are dark.

use std::collections::BTreeMap;

use model::Time;

use crate::stage::{Deed, Stage};
use crate::{AlarmRef, Book, DarkSource, Item, Kind, Name, Provenance, Sight, Value, WorkRefusal};

/// Kinds whose open items are handed over.
const HANDED_OVER: [Kind; 5] = [Kind::Order, Kind::Incident, Kind::RollCall, Kind::Vigilance, Kind::HiddenDanger];

/// Computes the list again: what is there keeps its mark, what is new is open, what ended meanwhile is gone.
pub(crate) fn refresh(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let mut marks: BTreeMap<String, Value> = BTreeMap::new();
    for entry in entries(item) {
        if let Some(reference) = entry.part("ref").and_then(Value::as_text) {
            marks.insert(reference.to_owned(), entry.clone());
        }
    }
    let loops = stage.book.open_loops(stage.sight).into_iter();
    let mut list: Vec<Value> = loops.map(OpenLoop::entry).collect();
    for entry in &mut list {
        let old = entry.part("ref").and_then(Value::as_text).and_then(|r| marks.get(r));
        let kept = old.map(|old| ["status", "to"].map(|part| old.part(part).cloned()));
        if let (Some([Some(status), Some(to)]), Value::Record(parts)) = (kept, entry) {
            parts.insert("status".into(), status);
            parts.insert("to".into(), to);
        }
    }
    item.set("entries", Value::List(list));
    Ok(())
}

fn entries(item: &Item) -> &[Value] {
    item.fields.get("entries").map_or(&[], Value::as_list)
}

/// Marks the entries named in `refs`; a reference that is not on the list refuses all.
pub(crate) fn mark(item: &mut Item, status: &str, to: &str) -> Result<(), WorkRefusal> {
    let refs: Vec<String> = item
        .fields
        .get("refs")
        .map_or(&[][..], Value::as_list)
        .iter()
        .filter_map(Value::as_text)
        .map(str::to_owned)
        .collect();
    let mut list = entries(item).to_vec();
    for reference in refs {
        let found = list.iter_mut().find(|e| e.part("ref").and_then(Value::as_text) == Some(&reference));
        let Some(Value::Record(parts)) = found else { return Err(WorkRefusal::not_found("entry", reference)) };
        parts.insert("status".into(), status.into());
        parts.insert("to".into(), to.into());
    }
    item.set("entries", Value::List(list));
    Ok(())
}

/// References of all entries.
pub(crate) fn references(item: &Item) -> Vec<String> {
    entries(item).iter().filter_map(|e| e.part("ref")?.as_text().map(str::to_owned)).collect()
}

/// What came after the list was last shown passes to the successor unasked, and says so.
pub(crate) fn pass_on(item: &mut Item, arrived: &[String], to: &str) {
    let mut list = entries(item).to_vec();
    for entry in &mut list {
        let new = entry.part("ref").and_then(Value::as_text).is_some_and(|r| arrived.iter().any(|a| a == r));
        if let (true, Value::Record(parts)) = (new, entry) {
            parts.insert("status".into(), "taken".into());
            parts.insert("to".into(), to.into());
            parts.insert("arrived".into(), true.into());
        }
    }
    item.set("entries", Value::List(list));
}

/// References of the entries with a status.
pub(crate) fn with_status(item: &Item, status: &str) -> Vec<String> {
    let text = |e: &Value, part: &str| e.part(part).and_then(Value::as_text).unwrap_or_default().to_owned();
    entries(item).iter().filter(|e| text(e, "status") == status).map(|e| text(e, "ref")).collect()
}

/// Each reference with who keeps it from now on.
pub(crate) fn keepers(item: &Item) -> Vec<(String, String)> {
    let text = |e: &Value, part: &str| e.part(part).and_then(Value::as_text).unwrap_or_default().to_owned();
    entries(item).iter().map(|e| (text(e, "ref"), text(e, "to"))).filter(|(_, to)| !to.is_empty()).collect()
}

/// One thing that is open and must be kept by somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenLoop {
    /// `A-000012`, `O-000003`, or `dark:` and the enterprise whose data is dark.
    pub reference: String,
    /// `alarm`, `source`, or the kind of the item.
    pub kind: &'static str,
    /// One line.
    pub title: String,
    /// Its state.
    pub state: Name,
    /// Who keeps it.
    pub owner: Option<String>,
    /// Its earliest deadline.
    pub due: Option<Time>,
    /// Why it is on the list, in Chinese and English.
    pub why: (String, String),
}

impl OpenLoop {
    fn alarm(book: &Book, alarm: &AlarmRef) -> Self {
        let owner = book.alarm_owner(&alarm.id).map(str::to_owned).or_else(|| alarm.owner.clone());
        let (title, state, due) = (alarm.title.clone(), alarm.state.clone(), None);
        let why = words(("报警未关闭", "alarm not closed"));
        Self { reference: alarm.id.clone(), kind: "alarm", title, state, owner, due, why }
    }

    fn item(item: &Item) -> Self {
        let why = match (item.id.kind, item.overdue()) {
            (Kind::HiddenDanger, _) => ("隐患逾期", "hazard overdue"),
            (_, true) => ("逾期未办结", "overdue, not finished"),
            (_, false) => ("未办结", "not finished"),
        };
        Self {
            reference: item.id.to_string(),
            kind: item.id.kind.name(),
            title: item.title.clone(),
            state: item.state.clone(),
            owner: item.owner.clone(),
            due: item.deadlines.iter().map(|d| d.at).min(),
            why: words(why),
        }
    }

    fn source(book: &Book, source: &DarkSource) -> Self {
        let (reference, title) = (source.reference(), source.enterprise.clone());
        let owner = book.alarm_owner(&reference).map(str::to_owned);
        Self { reference, kind: "source", title, state: "dark".into(), owner, due: None, why: source.why() }
    }

    /// As a hand-over keeps it, untaken.
    fn entry(self) -> Value {
        Value::record([
            ("ref", self.reference.into()),
            ("kind", self.kind.into()),
            ("status", "open".into()),
            ("to", "".into()),
            ("title", self.title.into()),
            ("state", self.state.to_string().into()),
            ("owner", self.owner.unwrap_or_default().into()),
            ("due", self.due.map_or_else(|| "".into(), Value::Time)),
            ("why", self.why.0.into()),
            ("why_en", self.why.1.into()),
        ])
    }
}

fn words((zh, en): (&str, &str)) -> (String, String) {
    (zh.to_owned(), en.to_owned())
}

/// How references of dark sources begin.
pub(crate) const DARK: &str = "dark:";

impl DarkSource {
    /// What it is called on the open list.
    pub(crate) fn reference(&self) -> String {
        format!("{DARK}{}", self.enterprise)
    }

    /// Why it is dark, in Chinese and English.
    fn why(&self) -> (String, String) {
        let (zh, en) = (format!("{} 个测点失联", self.stale), format!("{} tags without data", self.stale));
        match (self.gateway_down, self.stale) {
            (true, 0) => words(("网关离线", "gateway offline")),
            (true, _) => (format!("网关离线，{zh}"), format!("gateway offline, {en}")),
            (false, _) => (zh, en),
        }
    }
}

/// The one rule for items: what is real and is one of these kinds; of hidden dangers only those whose time is up, for
/// the others have a responsible person and days to go.
fn is_handed_over(item: &Item) -> bool {
    item.provenance == Provenance::Real && (item.id.kind != Kind::HiddenDanger || item.overdue())
}

impl Book {
    /// The open list, as a hand-over begun now would have it.
    pub fn open_loops(&self, sight: &Sight) -> Vec<OpenLoop> {
        let mut list: Vec<OpenLoop> = sight.alarms.iter().map(|a| OpenLoop::alarm(self, a)).collect();
        let items = HANDED_OVER.into_iter().flat_map(|kind| self.open_of(kind));
        list.extend(items.filter(|i| is_handed_over(i)).map(|i| OpenLoop::item(i)));
        list.extend(sight.dark.iter().map(|source| OpenLoop::source(self, source)));
        list
    }
}
