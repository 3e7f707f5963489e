//! No data, disconnects, lost clears and duplicates.

use crate::hall::{Hall, condition, tag};
use alarm::{Cause, ConditionKind, GapPolicy};
use engine::{AlarmAction, Event, LinkChange, LinkScope};
use model::{GatewayIndex, Priority, Reading};

use super::{annunciations, hall, limit_causes, periodic};

// No data taken as recovery.

#[test]
fn grafana_105571_silence_is_not_a_recovery() {
    let mut hall = periodic(0.0);
    hall.read(0, 0.0, 60.0).tick(10_000.0);
    assert_eq!(limit_causes(&hall), [Cause::Raised, Cause::DataLost]);
    let open = hall.engine.open_alarms();
    assert!(open[0].active && open[0].data_lost);
}
#[test]
fn victoriametrics_4951_data_that_comes_back_violated_is_the_same_alarm() {
    let mut hall = periodic(0.0);
    hall.read(0, 0.0, 60.0).tick(100.0).read(0, 101.0, 60.0);
    assert_eq!(limit_causes(&hall), [Cause::Raised, Cause::DataLost, Cause::DataReturned]);
}
#[test]
fn grafana_17591_no_flip_flop_between_no_data_and_alarm() {
    let mut hall = periodic(0.0);
    for i in 0..20 {
        hall.read(0, 10.0 * f64::from(i), 60.0).tick(10.0 * f64::from(i) + 5.0);
    }
    assert_eq!(limit_causes(&hall).iter().filter(|c| **c == Cause::Raised).count(), 1);
    assert!(!limit_causes(&hall).contains(&Cause::Recovered));
}
#[test]
fn grafana_16290_no_data_honours_its_delay() {
    let mut hall = periodic(30.0);
    let raised = |hall: &Hall| hall.transitions().any(|t| t.alarm.condition_key.ends_with("t0/stale"));
    hall.read(0, 0.0, 10.0).tick(32.0);
    assert!(!raised(&hall));
    hall.tick(34.0);
    assert!(raised(&hall));
}

// Storms on restart and disconnect.

/// `tags` tags with a period of 10 s behind `gateways` gateways, each with a stale condition, heard within 10 s.
fn district(tags: u32, gateways: u32) -> Hall {
    let settings = |n| alarm::TagSettings { period_s: Some(10.0), ..tag(&format!("t{n}")) };
    let mut hall =
        Hall::new((0..tags).map(settings).collect(), (0..tags).map(|n| condition(n, ConditionKind::Stale)).collect());
    for n in 0..tags {
        let s = f64::from(n) * 10.0 / f64::from(tags);
        hall.give(s, Reading { gateway: GatewayIndex(n % gateways), ..Hall::reading(n, s, 1.0) });
    }
    hall
}

#[test]
fn thingsboard_13715_nobody_disconnects_because_the_server_started() {
    let mut hall = district(200, 4);
    hall.restart(3_600.0).tick(3_615.0);
    assert_eq!(hall.transitions().count(), 0);
    for n in 0..200 {
        hall.give(3_620.0, Reading { gateway: GatewayIndex(n % 4), ..Hall::reading(n, 3_620.0, 1.0) });
    }
    hall.tick(3_645.0);
    assert_eq!(hall.transitions().count(), 0);
}
#[test]
fn kapacitor_1215_our_own_broken_link_is_one_alarm() {
    let mut hall = district(200, 4);
    let link = |up| Event::Link(LinkChange { scope: LinkScope::Broker("far".into()), up, reason: "refused".into() });
    hall.step(11.0, link(false));
    hall.tick(5_000.0);
    let found: Vec<_> = hall.transitions().map(|t| (t.alarm.level.to_string(), t.alarm.priority)).collect();
    assert_eq!(found, [("platform".to_owned(), Priority::I)]);
    hall.step(5_001.0, link(true));
    hall.tick(5_020.0);
    assert_eq!(hall.transitions().last().unwrap().cause, Cause::Recovered);
    hall.tick(5_100.0);
    assert!(hall.transitions().count() > 100, "after the grace time silence counts again");
}
#[test]
fn district_blackout_is_told_gateway_by_gateway() {
    let mut hall = district(2_000, 5);
    hall.tick(100.0);
    assert!(annunciations(&hall) <= 5 + 1, "{}", annunciations(&hall));
    let tally = hall.engine.tally();
    assert_eq!(tally.raised, 2_000 + 5 + 1);
    assert_eq!(tally.annunciated + tally.collapsed, tally.raised);
}

// Lost clears and stuck alarms.

#[test]
fn thingsboard_7909_data_and_inactivity_at_the_same_instant_do_not_stick() {
    let mut hall = periodic(0.0);
    hall.read(0, 0.0, 60.0);
    // The reading comes exactly when the tag would become stale.
    hall.read(0, 3.0, 10.0).tick(3.0).read(0, 4.0, 10.0);
    assert!(hall.engine.open_alarms().iter().all(|a| !a.active));
}
#[test]
fn thingsboard_2986_one_alarm_and_one_clear_per_excursion() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    for i in 0..10 {
        hall.read(0, 200.0 * f64::from(i), 60.0).read(0, 200.0 * f64::from(i) + 1.0, 60.0);
        hall.read(0, 200.0 * f64::from(i) + 100.0, 10.0);
    }
    let count = |cause| hall.causes().iter().filter(|c| **c == cause).count();
    assert_eq!((count(Cause::Raised), count(Cause::Recovered)), (10, 10));
}
#[test]
fn alertmanager_2060_a_clear_right_after_the_raise_is_not_lost() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).read(0, 0.000_001, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}
#[test]
fn kapacitor_744_a_clear_over_a_restart_is_not_lost() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).restart(5.0).restart(5.0).read(0, 20.0, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}

// Duplicates.

/// The same readings `times` times over make one alarm, and the repeats are counted.
#[track_caller]
fn check_repeats(times: u64, values: &[f64], story: &str) {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    for (s, value) in values.iter().enumerate() {
        (0..times).for_each(|_| {
            hall.read(0, s as f64, *value);
        });
    }
    assert_eq!(hall.story(), story);
    assert_eq!(hall.counts.duplicate, (times - 1) * values.len() as u64);
}

#[test]
fn thingsboard_15583_redelivered_readings_make_one_alarm() {
    check_repeats(5, &[10.0, 60.0, 61.0], "1:Raised");
}
#[test]
fn thingsboard_5652_two_raises_of_one_condition_are_never_open_at_once() {
    check_repeats(2, &[60.0, 10.0], "1:Raised 1:Recovered");
}
#[test]
fn alertmanager_1005_a_repeated_acknowledgement_is_one() {
    check_repeated_command(AlarmAction::Acknowledge { note: "x".into() });
}
#[test]
fn alertmanager_2222_a_repeated_silence_is_one() {
    check_repeated_command(AlarmAction::Shelve { for_s: Some(60.0), reason: "x".into() });
}
#[test]
fn alertmanager_4108_a_repeated_comment_is_one() {
    check_repeated_command(AlarmAction::Comment { text: "x".into() });
}
#[test]
fn alertmanager_4152_a_command_repeated_after_a_restart_is_one() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0);
    hall.ack(1.0, 1).unwrap();
    let (_, event) = hall.log.last().cloned().unwrap();
    hall.restart(5.0);
    assert!(hall.step(7.0, event).unwrap().unwrap().repeated);
    assert_eq!(hall.story(), "1:Raised 1:Acknowledged");
}

#[track_caller]
fn check_repeated_command(action: AlarmAction) {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0);
    let first = hall.act(1.0, 1, action).unwrap();
    let (_, event) = hall.log.last().cloned().unwrap();
    let again = hall.step(2.0, event).unwrap().unwrap();
    assert_eq!((again.seq, again.repeated), (first.seq, true));
    assert_eq!(hall.transitions().count(), 2);
}
