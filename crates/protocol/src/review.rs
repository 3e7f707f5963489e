//! The review of an incident (X3): the gaps between its nine stamps, against the targets of the profile and against earlier
//! incidents of the same hazard and level. Computed from the ledger whenever it is asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::WorkItemView;

/// States in which a response is over, so that its stamps will not change by themselves any more.
const OVER: [&str; 4] = ["terminated", "aftermath", "review", "archived"];

/// An incident against targets and against the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewView {
    /// `X-000001`.
    pub id: String,
    /// Hazard that it is compared within; empty: none is given, and nothing is compared.
    pub hazard: String,
    /// Response level that it is compared within; empty: no response was activated.
    pub level: String,
    /// Earlier incidents of the same hazard and level, newest first.
    pub earlier: Vec<String>,
    /// What it is compared with, Chinese: `尚无同类事故` while there is none.
    pub earlier_zh: String,
    /// The same in English: `none yet`.
    pub earlier_en: String,
    /// The nine stamps: microseconds since the epoch, null where nothing gave it.
    #[schema(value_type = Object)]
    pub stamps: BTreeMap<String, Option<i64>>,
    /// Gaps between the stamps that are set, in the order of the nine.
    pub gaps: Vec<ReviewGap>,
}

/// The gap between one stamp and the next one that is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewGap {
    /// Stamp before.
    pub from: String,
    /// Stamp after.
    pub to: String,
    /// What it is called, Chinese.
    pub zh: String,
    /// What it is called, English.
    pub en: String,
    /// Seconds.
    pub s: f64,
    /// Target, seconds; null: the profile has none.
    pub target_s: Option<f64>,
    /// Within the target.
    pub met: Option<bool>,
    /// The same gap in earlier incidents; null: none of them has both stamps.
    pub past: Option<PastGap>,
}

/// One gap over earlier incidents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PastGap {
    /// Incidents that have both stamps.
    pub incidents: u32,
    /// Median, seconds.
    pub median_s: f64,
    /// Shortest, seconds.
    pub least_s: f64,
    /// Longest, seconds.
    pub most_s: f64,
}

fn text<'a>(item: &'a WorkItemView, field: &str) -> &'a str {
    item.fields.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn stamp(item: &WorkItemView, name: &str) -> Option<i64> {
    item.fields.get("stamps")?.get(name)?.as_i64()
}

fn gap_s(item: &WorkItemView, from: &str, to: &str) -> Option<f64> {
    Some((stamp(item, to)? - stamp(item, from)?) as f64 / 1e6)
}

impl ReviewView {
    /// Reviews `item`; of `incidents`, those that come before it and are like it count.
    pub fn of(item: &WorkItemView, incidents: &[WorkItemView]) -> Self {
        let (hazard, level) = (text(item, "hazard").to_owned(), text(item, "level").to_owned());
        let alike = |other: &&WorkItemView| {
            !hazard.is_empty()
                && (text(other, "hazard"), text(other, "level")) == (&hazard, &level)
                && other.provenance == item.provenance
                && (other.created_at, &other.id) < (item.created_at, &item.id)
                && OVER.contains(&other.state.as_str())
        };
        let mut past: Vec<&WorkItemView> = incidents.iter().filter(alike).collect();
        past.sort_unstable_by_key(|other| std::cmp::Reverse(other.created_at));
        let (earlier_zh, earlier_en) = match past.len() {
            0 => ("尚无同类事故".to_owned(), "none yet".to_owned()),
            1 => ("1 起同类事故".to_owned(), "1 earlier incident".to_owned()),
            n => (format!("{n} 起同类事故"), format!("{n} earlier incidents")),
        };
        Self {
            id: item.id.clone(),
            hazard,
            level,
            earlier: past.iter().map(|other| other.id.clone()).collect(),
            earlier_zh,
            earlier_en,
            stamps: response::stamps::names().map(|n| (n.to_owned(), stamp(item, n))).collect(),
            gaps: gaps(item, &past),
        }
    }
}

fn gaps(item: &WorkItemView, past: &[&WorkItemView]) -> Vec<ReviewGap> {
    let set: Vec<&str> = response::stamps::names().filter(|n| stamp(item, n).is_some()).collect();
    let gap = |pair: &[&str]| {
        let (from, to) = (pair[0], pair[1]);
        let s = gap_s(item, from, to)?;
        let (zh, en) = response::stamps::words(to)?;
        // The target that was in force when the stamp was set.
        let target_s = item.fields.get("gaps").and_then(|g| g.get(to)?.get("target_s")?.as_f64());
        let (met, past) = (target_s.map(|t| s <= t), past_gap(past, from, to));
        Some(ReviewGap { from: from.into(), to: to.into(), zh: zh.into(), en: en.into(), s, target_s, met, past })
    };
    set.windows(2).filter_map(gap).collect()
}

fn past_gap(past: &[&WorkItemView], from: &str, to: &str) -> Option<PastGap> {
    let mut all: Vec<f64> = past.iter().filter_map(|other| gap_s(other, from, to)).collect();
    all.sort_unstable_by(f64::total_cmp);
    let (least_s, most_s) = (*all.first()?, *all.last()?);
    let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
    Some(PastGap { incidents: all.len() as u32, median_s: f64::midpoint(low, high), least_s, most_s })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// An incident made in minute `at`, with its stamps in seconds.
    fn incident(id: u64, hazard: &str, state: &str, stamps: &[(&str, i64)]) -> WorkItemView {
        let stamps: serde_json::Map<String, Value> =
            stamps.iter().map(|(n, s)| ((*n).to_owned(), json!(s * 1_000_000))).collect();
        let view = json!({
            "id": format!("X-{id:06}"), "kind": "incident", "seq": 1, "state": state, "ended": false, "title": "险情",
            "provenance": "real", "links": [], "deadlines": [], "receiver": null, "owner": null,
            "fields": {"hazard": hazard, "level": "II", "stamps": stamps, "gaps": {"confirmed": {"target_s": 60.0}}},
            "created_at": id, "created_by": {"account": "a", "name": "a"}, "ended_at": null, "actions": [],
        });
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn x3_earlier_incidents_of_the_same_kind_give_median_and_range() {
        let of =
            |id, hazard, state, confirmed| incident(id, hazard, state, &[("alarm", 100), ("confirmed", confirmed)]);
        let all = [
            of(1, "fire", "archived", 130),
            of(2, "fire", "terminated", 200),
            of(3, "leak", "archived", 999),
            of(4, "fire", "active", 999),
            of(5, "fire", "review", 120),
            incident(6, "fire", "archived", &[("alarm", 100)]),
            of(7, "fire", "review", 150),
            of(8, "fire", "archived", 999),
        ];
        let review = ReviewView::of(&all[6], &all);
        assert_eq!(review.earlier, ["X-000006", "X-000005", "X-000002", "X-000001"]);
        let gap = &review.gaps[0];
        assert_eq!(
            (&*gap.from, &*gap.to, gap.s, gap.target_s, gap.met),
            ("alarm", "confirmed", 50.0, Some(60.0), Some(true))
        );
        let past = PastGap { incidents: 3, median_s: 30.0, least_s: 20.0, most_s: 100.0 };
        assert_eq!(gap.past, Some(past));
        assert_eq!((review.stamps.len(), review.stamps["warning"]), (9, None));
    }

    #[test]
    fn x3_the_first_of_its_kind_says_none_yet() {
        let only = incident(1, "fire", "review", &[("sign", 0), ("alarm", 10), ("confirmed", 90)]);
        let review = ReviewView::of(&only, std::slice::from_ref(&only));
        assert_eq!((review.earlier_en.as_str(), review.earlier_zh.as_str()), ("none yet", "尚无同类事故"));
        assert_eq!(review.gaps.iter().map(|g| g.past.is_none()).collect::<Vec<_>>(), [true, true]);
        assert_eq!(review.gaps[1].met, Some(false));
        let unnamed = incident(2, "", "review", &[]);
        assert_eq!(ReviewView::of(&unnamed, &[incident(1, "", "archived", &[])]).earlier.len(), 0, "like nothing");
    }
}
