//! What a hand-over must pass on: open alarms (shelved and out of service too), orders, incidents, overdue hidden dangers,
//! and sources that are dark.

use std::collections::BTreeMap;

use crate::stage::{Deed, Stage};
use crate::{Item, Kind, Value, WorkRefusal};

/// Kinds whose open items are handed over, each one.
const HANDED_OVER: [Kind; 4] = [Kind::Order, Kind::Incident, Kind::RollCall, Kind::Vigilance];

/// Computes the list again: what is there keeps its mark, what is new is open, what ended meanwhile is gone.
pub(crate) fn refresh(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let mut marks: BTreeMap<String, Value> = BTreeMap::new();
    for entry in entries(item) {
        if let Some(reference) = entry.part("ref").and_then(Value::as_text) {
            marks.insert(reference.to_owned(), entry.clone());
        }
    }
    let mut list: Vec<Value> = stage.book.open_refs(stage.sight);
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

fn entry(reference: &str, kind: &str, about: [(&str, Value); 5]) -> Value {
    let mut parts =
        vec![("ref", reference.into()), ("kind", kind.into()), ("status", "open".into()), ("to", "".into())];
    parts.extend(about);
    Value::Record(parts.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

impl crate::Book {
    /// The open list, as a hand-over begun now would have it: records of `ref`, `kind`, `title`, `state`, `owner`, `due`
    /// (a time, or a blank text), `why`, `status`, `to`.
    pub fn open_refs(&self, sight: &crate::Sight) -> Vec<Value> {
        let mut list = Vec::new();
        for a in &sight.alarms {
            let owner = self.alarm_owner(&a.id).or(a.owner.as_deref()).unwrap_or_default();
            let about = about(&a.title, &a.state, owner, "".into(), "报警未关闭");
            list.push(entry(&a.id, "alarm", about));
        }
        for kind in HANDED_OVER {
            let open = self.open_of(kind).filter(|i| i.provenance == crate::Provenance::Real);
            list.extend(open.map(|i| item_entry(i, "未办结")));
        }
        let overdue = self.open_of(Kind::HiddenDanger).filter(|i| i.overdue());
        list.extend(overdue.map(|i| item_entry(i, "隐患逾期")));
        for (enterprise, why) in &sight.dark {
            list.push(entry(&format!("dark:{enterprise}"), "source", about(enterprise, "dark", "", "".into(), why)));
        }
        list
    }
}

fn about<'v>(title: &str, state: &str, owner: &str, due: Value, why: &str) -> [(&'v str, Value); 5] {
    [("title", title.into()), ("state", state.into()), ("owner", owner.into()), ("due", due), ("why", why.into())]
}

fn item_entry(item: &Item, why: &str) -> Value {
    let due = item.deadlines.iter().map(|d| d.at).min().map_or_else(|| "".into(), Value::Time);
    let owner = item.owner.as_deref().unwrap_or_default();
    entry(&item.id.to_string(), item.id.kind.name(), about(&item.title, &item.state, owner, due, why))
}
