//! The simulated watch: makes the roster of the month if nobody did, and the main officer of the shift that runs takes it.
//! Pure: it is told what is there and answers what is to be done.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::officer::{By, Errand};

/// Seconds between a shift's being there and its being taken.
const TAKE_AFTER_S: f64 = 2.0;

/// What the watch remembers.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Accounts that are played.
    crew: BTreeSet<String>,
    /// Shifts whose taking is planned.
    planned: BTreeSet<String>,
}

impl Watch {
    pub fn new(crew: impl Iterator<Item = String>) -> Self {
        Self { crew: crew.collect(), planned: BTreeSet::new() }
    }

    /// The roster of the month, if there is no shift at all.
    pub fn roster(&self, now_s: f64, shifts: usize, month: &str) -> Option<Errand> {
        let body = json!({"kind": "shift", "fields": {"month": month}, "links": [], "receivers": []});
        let missing = shifts == 0 && !self.crew.is_empty();
        missing.then(|| Errand { at_s: now_s, by: By::Officer, path: "/api/v1/work".into(), body })
    }

    /// A shift is there or changed: the one that runs at `now_us` is taken by its main officer.
    pub fn item(&mut self, now_s: f64, now_us: i64, item: &Value) -> Option<Errand> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let waits = matches!(item["state"].as_str(), Some("planned" | "awaiting"));
        if item["kind"] != "shift" || !waits {
            return None;
        }
        let at = |field: &str| item["fields"][field].as_i64().unwrap_or_default();
        let (id, main) = (text(&item["id"]), text(&item["fields"]["main"]));
        let runs = (at("starts_at")..at("ends_at")).contains(&now_us);
        if !runs || !self.crew.contains(&main) || !self.planned.insert(id.clone()) {
            return None;
        }
        let body = json!({"seq": item["seq"], "fields": {}, "note": "", "attachments": []});
        let path = format!("/api/v1/work/{id}/take");
        Some(Errand { at_s: now_s + TAKE_AFTER_S, by: By::Crew(main), path, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(state: &str, main: &str, starts_at: i64) -> Value {
        json!({"id": "S-000004", "kind": "shift", "state": state, "seq": 3,
            "fields": {"main": main, "starts_at": starts_at, "ends_at": starts_at + 100}})
    }

    #[test]
    fn the_shift_that_runs_is_taken_once_by_its_own_main_officer() {
        let mut watch = Watch::new(["lead2".to_owned()].into_iter());
        assert!(watch.item(0.0, 50, &shift("planned", "lead2", 51)).is_none(), "not yet");
        assert!(watch.item(0.0, 150, &shift("planned", "lead2", 50)).is_none(), "over");
        assert!(watch.item(0.0, 50, &shift("planned", "somebody real", 50)).is_none());
        assert!(watch.item(0.0, 50, &shift("on_duty", "lead2", 50)).is_none());
        let errand = watch.item(1.0, 50, &shift("planned", "lead2", 50)).unwrap();
        assert_eq!((errand.by, errand.path.as_str()), (By::Crew("lead2".into()), "/api/v1/work/S-000004/take"));
        assert!(watch.item(1.0, 50, &shift("awaiting", "lead2", 50)).is_none(), "once");
    }

    #[test]
    fn a_roster_is_made_only_where_there_is_none() {
        let watch = Watch::new(["lead2".to_owned()].into_iter());
        assert!(watch.roster(0.0, 3, "2026-11").is_none());
        assert_eq!(watch.roster(0.0, 0, "2026-11").unwrap().body["fields"]["month"], "2026-11");
        assert!(Watch::new(std::iter::empty()).roster(0.0, 0, "2026-11").is_none(), "nobody stands in it");
    }
}
