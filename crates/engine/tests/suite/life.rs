//! Limits, delays, deadband and what people do: the ordinary life of an alarm.

use alarm::{ConditionKind, State};
use engine::{AlarmAction, Refusal};
use model::Priority;

use crate::hall::{Hall, condition, tag};

/// `value@second` readings against one high limit of 50, deadband 5, delays as given; the story they make.
#[track_caller]
fn check(delays: (f64, f64), readings: &[(f64, f64)], story: &str) {
    let mut c = condition(0, ConditionKind::High(50.0));
    (c.on_delay_s, c.off_delay_s) = delays;
    c.deadband = 5.0;
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    for &(s, value) in readings {
        if value.is_nan() {
            hall.tick(s)
        } else {
            hall.read(0, s, value)
        };
    }
    assert_eq!(hall.story(), story);
}

const TICK: f64 = f64::NAN;

#[test]
fn a2_at_the_limit_is_violated_and_the_deadband_holds() {
    check((0.0, 0.0), &[(1.0, 49.9), (2.0, 50.0), (3.0, 46.0), (4.0, 45.0)], "1:Raised 1:Recovered");
}

#[test]
fn a2_the_on_delay_fires_on_a_reading() {
    check((10.0, 0.0), &[(0.0, 60.0), (9.9, 60.0)], "");
    check((10.0, 0.0), &[(0.0, 60.0), (5.0, 60.0), (10.0, 60.0)], "1:Raised");
}

#[test]
fn a2_the_on_delay_fires_on_a_tick() {
    check((10.0, 0.0), &[(0.0, 60.0), (9.9, TICK)], "");
    check((10.0, 0.0), &[(0.0, 60.0), (11.0, TICK)], "1:Raised");
}

#[test]
fn a2_a_dip_restarts_the_on_delay() {
    check((10.0, 0.0), &[(0.0, 60.0), (5.0, 49.0), (6.0, 60.0), (12.0, 60.0)], "");
}

#[test]
fn a2_the_off_delay_is_cancelled_by_a_return_into_the_deadband() {
    check((0.0, 10.0), &[(0.0, 60.0), (1.0, 40.0), (8.0, 46.0), (12.0, 40.0), (21.0, 40.0)], "1:Raised");
    check((0.0, 10.0), &[(0.0, 60.0), (1.0, 40.0), (11.0, TICK)], "1:Raised 1:Recovered");
}

fn raised() -> Hall {
    let mut c = condition(0, ConditionKind::High(50.0));
    c.priority = Priority::II;
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    hall.read(0, 1.0, 60.0);
    hall
}

#[test]
fn an_important_alarm_is_not_acknowledged_without_a_note() {
    let mut hall = raised();
    let refused = hall.act(2.0, 1, AlarmAction::Acknowledge { note: " ".into() });
    assert_eq!(refused, Err(Refusal::FieldRequired { field: "note".into() }));
    assert!(hall.ack(3.0, 1).is_ok());
    hall.read(0, 4.0, 10.0);
    assert_eq!(hall.engine.open_alarms(), vec![]);
}

#[test]
fn the_second_of_two_officers_is_told_who_was_first() {
    let mut hall = raised();
    let seen = hall.engine.last_seq();
    hall.ack(2.0, 1).unwrap();
    let second = hall.act_seen(3.0, (1, seen), AlarmAction::Acknowledge { note: "x".into() });
    assert!(matches!(second, Err(Refusal::VersionConflict { seen: 1, current: 2, by, .. }) if by == "王"));
    let third = hall.ack(4.0, 1);
    assert!(matches!(third, Err(Refusal::AlarmState { state: State::Acknowledged, by, .. }) if by == "王"));
}

#[test]
fn shelving_has_an_end_and_sounds_again() {
    let mut hall = raised();
    hall.act(2.0, 1, AlarmAction::Shelve { for_s: Some(60.0), reason: "检修".into() }).unwrap();
    assert_eq!(hall.engine.open_alarms()[0].state, State::Shelved);
    hall.tick(61.0).tick(62.0);
    assert_eq!(hall.story(), "1:Raised 1:Shelved 1:ShelveExpired");
    assert_eq!(hall.engine.open_alarms()[0].state, State::Unacknowledged);
    let long = hall.act(63.0, 1, AlarmAction::Shelve { for_s: Some(1e9), reason: "检修".into() });
    assert!(matches!(long, Err(Refusal::FieldInvalid { .. })));
}

#[test]
fn a_latched_alarm_waits_for_its_reset() {
    let mut c = condition(0, ConditionKind::High(50.0));
    c.latch = true;
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    hall.read(0, 1.0, 60.0);
    hall.ack(2.0, 1).unwrap();
    assert!(hall.act(3.0, 1, AlarmAction::Reset { reason: String::new() }).is_err());
    hall.read(0, 4.0, 10.0);
    assert_eq!(hall.engine.open_alarms()[0].state, State::Latched);
    hall.act(5.0, 1, AlarmAction::Reset { reason: String::new() }).unwrap();
    assert_eq!(hall.engine.open_alarms(), vec![]);
}

#[test]
fn a_repeated_key_gets_the_first_answer() {
    let mut hall = raised();
    hall.ack(2.0, 1).unwrap();
    let (now, event) = hall.log.last().cloned().unwrap();
    let facts = hall.facts.len();
    let again = hall.step(3.0, event).unwrap().unwrap();
    assert!(again.repeated && now.0 > 0);
    assert_eq!(hall.facts.len(), facts);
}

#[test]
fn a_stale_tag_raises_and_the_process_alarm_stays() {
    let mut settings = tag("a");
    settings.period_s = Some(1.0);
    let limits = vec![condition(0, ConditionKind::High(50.0)), condition(0, ConditionKind::Stale)];
    let mut hall = Hall::new(vec![settings], limits);
    hall.read(0, 1.0, 60.0).tick(3.9);
    assert_eq!(hall.story(), "1:Raised");
    // 2 is the silent gateway, under which 3, the stale tag, is folded.
    hall.tick(4.1).read(0, 5.0, 60.0);
    assert_eq!(hall.story(), "1:Raised 2:Raised 1:DataLost 3:Raised 2:Recovered 1:DataReturned 3:Recovered");
}
