//! Storms, growth, and the cost of keeping.

use crate::hall::{Hall, condition, tag};
use alarm::{Cause, ConditionKind, GapPolicy};
use engine::{FactBody, Notice};

use super::{annunciations, hall};

// Storms of alarms.

/// `n` conditions raised within a second.
fn flood(n: u32) -> Hall {
    let list = (0..n).map(|i| condition(i, ConditionKind::High(50.0))).collect();
    let mut hall = Hall::new((0..n).map(|i| tag(&format!("t{i}"))).collect(), list);
    for i in 0..n {
        hall.read(i, 1.0 + f64::from(i) / f64::from(n), 60.0);
    }
    hall
}

#[test]
fn prometheus_7676_ten_thousand_raises_lose_none() {
    let hall = flood(10_000);
    assert_eq!(hall.transitions().count(), 10_000);
    assert_eq!(hall.engine.open_alarms().len(), 10_000);
}
#[test]
fn alertmanager_2881_a_flood_is_folded_with_exact_counts() {
    let hall = flood(500);
    let tally = hall.engine.tally();
    assert_eq!((tally.raised, tally.annunciated, tally.collapsed), (500, 10, 490));
    assert!(hall.engine.in_flood());
}
#[test]
fn alertmanager_2440_a_flood_ends_by_itself_and_says_how_many() {
    let mut hall = flood(500);
    hall.tick(700.0);
    assert!(!hall.engine.in_flood());
    let end = Notice::Flood { desk: "duty".into(), on: false, annunciated: 0, collapsed: 490 };
    assert!(hall.facts.iter().any(|f| f.body == FactBody::Notice(end.clone())));
}
#[test]
fn thanos_2204_a_chattering_condition_is_one_alarm_with_a_count() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    for i in 0..40 {
        hall.read(0, f64::from(i), if i % 2 == 0 { 60.0 } else { 10.0 });
    }
    let open = hall.engine.open_alarms();
    assert!(open.len() <= 3, "{}", hall.story());
    assert!(open.last().unwrap().chattering && open.last().unwrap().occurrences >= 2);
    assert!(annunciations(&hall) <= 3);
    hall.tick(2_000.0).read(0, 2_001.0, 10.0).tick(4_000.0);
    assert!(hall.causes().contains(&Cause::ChatterEnded), "{}", hall.story());
    hall.ack(4_001.0, open.last().unwrap().alarm_id.0).unwrap();
}

// Growth.

/// A million seconds of raises and clears nobody acknowledges: the state stays within its bound.
#[track_caller]
fn check_growth(step: impl Fn(&mut Hall, f64)) {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    let mut sizes = vec![];
    for i in 0..400 {
        step(&mut hall, 300.0 * f64::from(i));
        hall.log.clear();
        sizes.push(postcard::to_stdvec(&hall.engine.snapshot()).unwrap().len());
    }
    let (early, late) = (sizes[300], sizes[399]);
    assert!(late <= early + early / 5 + 512, "grew from {early} to {late} bytes");
    assert!(hall.engine.open_alarms().len() <= 1 + hall.engine.rules().hall.branches_max as usize);
}

#[test]
fn flink_pr_21955_episodes_nobody_acknowledges_are_bounded_and_counted() {
    check_growth(|hall, s| {
        hall.read(0, s, 60.0).read(0, s + 150.0, 10.0);
    });
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    (0..20).for_each(|i| {
        hall.read(0, 300.0 * f64::from(i), 60.0).read(0, 300.0 * f64::from(i) + 150.0, 10.0);
    });
    let lost = hall.causes().iter().filter(|c| **c == Cause::BranchOverflow).count() as u64;
    assert_eq!(hall.engine.size().branches_overflowed, lost);
    assert_eq!(lost, 20 - 6);
    let overflow = hall.transitions().find(|t| t.cause == Cause::BranchOverflow).unwrap();
    assert!(!overflow.alarm.acknowledged, "closed, but not in anybody's name");
}
#[test]
fn flink_pr_16431_pending_that_never_fires_leaves_nothing() {
    check_growth(|hall, s| {
        hall.read(0, s, 10.0);
    });
}
#[test]
fn ekuiper_875_repeats_leave_nothing() {
    check_growth(|hall, s| {
        (0..5).for_each(|_| {
            hall.read(0, s, 10.0);
        })
    });
}
#[test]
fn rumqtt_599_unknown_tags_take_no_memory() {
    check_growth(|hall, s| {
        hall.read(0, s, 10.0).read(s as u32 + 7, s, 1.0);
    });
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(u32::MAX, 1.0, 1.0);
    assert_eq!(hall.counts.ignored, 1);
}

// Cost of keeping.

#[test]
fn grafana_110365_readings_without_transitions_write_nothing() {
    let mut hall = hall(5.0, 5.0, GapPolicy::Bridge);
    (0..10_000).for_each(|i| {
        hall.read(0, f64::from(i), f64::from(i % 49)).tick(f64::from(i) + 0.5);
    });
    assert_eq!(hall.facts, vec![]);
}
#[test]
fn grafana_46976_state_of_a_quiet_condition_is_a_few_bytes() {
    let size = |n: u32| {
        let list = (0..n).map(|i| condition(i, ConditionKind::High(50.0))).collect();
        let hall = Hall::new((0..n).map(|i| tag(&format!("t{i}"))).collect(), list);
        postcard::to_stdvec(&hall.engine.snapshot()).unwrap().len()
    };
    assert!((size(1_000) - size(500)) / 500 < 100);
}
