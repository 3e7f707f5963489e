//! Expressiveness, the journal, clients and detectors.

use crate::hall::{Hall, at, condition, tag};
use crate::script::program;
use alarm::{Annunciation, Cause, ConditionKind, GapPolicy, State};
use engine::{FactBody, Notice};
use model::{Reading, ReadingFlags};

use super::{from_device, hall};

// Expressiveness.

#[test]
fn thingsboard_11803_off_delay_or_and_both_levels() {
    let mut list = vec![condition(0, ConditionKind::High(50.0)), condition(0, ConditionKind::HighHigh(80.0))];
    list.push(condition(1, ConditionKind::Expression(program("a > 85 or b > 10"))));
    list[0].off_delay_s = 10.0;
    let mut hall = Hall::new(vec![tag("a"), tag("b")], list);
    hall.read(1, 0.5, 0.0).read(0, 1.0, 60.0).read(0, 2.0, 90.0).read(0, 3.0, 60.0).read(0, 4.0, 10.0).tick(13.0);
    assert_eq!(
        hall.story(),
        "1:Raised 2:Raised 1:LevelChanged 3:Raised 2:Recovered 1:LevelChanged 3:Recovered",
        "the lower level shows that the upper one came and went"
    );
    let shown = hall.engine.open_alarms();
    assert_eq!((shown[0].value, shown[0].peak), (60.0, 90.0));
    hall.tick(14.5);
    assert!(hall.story().ends_with("1:Recovered"));
}
#[test]
fn thingsboard_10979_clears_after_a_quiet_period() {
    let mut hall = hall(0.0, 600.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).read(0, 10.0, 10.0).read(0, 300.0, 60.0).read(0, 310.0, 10.0).tick(909.0);
    assert_eq!(hall.story(), "1:Raised");
    hall.tick(911.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}
#[test]
fn thingsboard_8614_each_tag_has_its_own_no_data() {
    let settings = |name, period| alarm::TagSettings { period_s: Some(period), ..tag(name) };
    let stale = |n| condition(n, ConditionKind::Stale);
    let mut hall = Hall::new(vec![settings("fast", 1.0), settings("slow", 100.0)], vec![stale(0), stale(1)]);
    hall.read(0, 0.0, 1.0).read(1, 0.0, 1.0).read(1, 2.9, 2.0).tick(10.0);
    let keys: Vec<_> = hall.transitions().map(|t| t.alarm.condition_key.to_string()).collect();
    assert_eq!(keys, ["plant/t0/stale"]);
}

// Journal and broker loss.

/// A latched, acknowledged alarm is the same for every reader of the journal, whatever was lost in between.
#[track_caller]
fn check_replay(cut: usize) {
    let mut c = condition(0, ConditionKind::High(50.0));
    c.latch = true;
    let mut first = Hall::new(vec![tag("a")], vec![c.clone()]);
    first.read(0, 1.0, 60.0).read(0, 2.0, 10.0);
    first.ack(3.0, 1).unwrap();
    first.read(0, 4.0, 11.0);
    let mut second = Hall::new(vec![tag("a")], vec![c]);
    second.replay(&first.log[..cut]);
    let snapshot = second.engine.snapshot();
    second.engine = engine::Engine::restore(snapshot, second.engine.rules().clone()).unwrap();
    second.replay(&first.log[cut..]);
    assert_eq!(second.engine.open_alarms(), first.engine.open_alarms());
    assert_eq!(second.facts, first.facts);
    assert_eq!(second.engine.open_alarms()[0].state, State::Latched);
}

#[test]
fn phoebus_2267_a_latched_alarm_is_not_lost() {
    check_replay(2);
}
#[test]
fn phoebus_1597_order_of_the_journal_is_the_order_of_meaning() {
    check_replay(3);
}
#[test]
fn phoebus_pr_1922_a_snapshot_does_not_reorder() {
    check_replay(1);
}
#[test]
fn phoebus_676_readers_agree_from_any_position() {
    (0..=4).for_each(check_replay);
}
#[test]
fn nats_server_7564_numbers_have_no_gaps_after_recovery() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 1.0, 60.0).restart(5.0).read(0, 8.0, 10.0).restart(5.0).read(0, 400.0, 60.0);
    let numbers: Vec<u64> = hall.facts.iter().map(|f| f.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

// Readings as a client brings them.

#[test]
fn rumqtt_1069_a_retained_reading_sent_again_on_resume_is_a_repeat() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 1.0, 10.0).read(0, 2.0, 20.0);
    hall.give(50.0, from_device(0, 2.0, 50.0, 20.0)).give(51.0, from_device(0, 1.0, 51.0, 10.0));
    assert_eq!((hall.counts.duplicate, hall.counts.late, hall.counts.live), (1, 1, 2));
}
#[test]
fn rumqtt_863_a_redelivered_batch_is_no_clock_step() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    let counted = |n: u64| Reading { seq: n, ..Hall::reading(0, n as f64, 10.0 + n as f64) };
    (1..=10).for_each(|n| {
        hall.give(n as f64, counted(n));
    });
    (5..=10).for_each(|n| {
        hall.give(11.0, Reading { server_time: at(11.0), ..counted(n) });
    });
    assert!(hall.facts.is_empty(), "{:?}", hall.facts);
    assert_eq!(hall.counts.live, 10);
}
#[test]
fn telegraf_17104_a_gap_in_the_counter_is_told() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    for n in [1, 2, 3, 1_003] {
        hall.give(n as f64, Reading { seq: n, ..Hall::reading(0, n as f64, 10.0) });
    }
    let gap = hall.facts.iter().find_map(|f| match f.body {
        FactBody::Notice(Notice::SequenceGap { expected, got, .. }) => Some((expected, got)),
        _ => None,
    });
    assert_eq!(gap, Some((4, 1_003)));
}
#[test]
fn tbmq_320_readings_queued_while_away_are_evaluated_in_event_time() {
    let mut hall = hall(30.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 10.0).restart(600.0);
    for s in [100.0, 110.0, 120.0, 131.0] {
        hall.give(601.0, from_device(0, s, 601.0, 60.0));
    }
    let t = hall.transitions().next().unwrap();
    assert_eq!((t.event_time, t.replayed), (at(131.0), true));
}
#[test]
fn a_reading_without_a_source_time_is_judged_by_our_clock() {
    let mut hall = hall(10.0, 0.0, GapPolicy::Bridge);
    let flags = ReadingFlags::NO_SOURCE_TIME;
    hall.give(0.0, Reading { flags, ..Hall::reading(0, 0.0, 60.0) })
        .give(10.0, Reading { flags, ..Hall::reading(0, 10.0, 60.0) });
    assert_eq!(hall.story(), "1:Raised");
}

// Detectors.

fn detected(change: impl FnOnce(&mut alarm::TagSettings), kind: ConditionKind) -> Hall {
    let mut settings = tag("a");
    change(&mut settings);
    Hall::new(vec![settings], vec![condition(0, ConditionKind::High(50.0)), condition(0, kind)])
}

#[test]
fn a_stuck_value_is_told_and_released() {
    let mut hall = detected(|t| t.stuck = Some((60.0, 0.5)), ConditionKind::Stuck);
    (0..70).for_each(|i| {
        hall.read(0, f64::from(i), 20.0 + 0.001 * f64::from(i % 3));
    });
    assert_eq!(hall.story(), "1:Raised");
    hall.read(0, 71.0, 25.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}
#[test]
fn a_value_outside_the_span_is_bad_and_has_its_own_alarm() {
    let mut hall = detected(|t| t.span = Some((0.0, 100.0)), ConditionKind::OutOfRange);
    hall.read(0, 1.0, 10.0).read(0, 2.0, 140.0).read(0, 3.0, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
    assert!(hall.transitions().all(|t| t.alarm.level.as_ref() == "out_of_range"));
}
#[test]
fn an_impossible_jump_needs_a_second_reading_like_it() {
    let mut hall = detected(|t| t.rate_max_per_s = Some(5.0), ConditionKind::Stale);
    hall.read(0, 1.0, 10.0).read(0, 2.0, 60.0).read(0, 3.0, 11.0);
    assert_eq!(hall.story(), "", "a single spike");
    hall.read(0, 4.0, 60.0).read(0, 5.0, 61.0);
    assert_eq!(hall.story(), "1:Raised", "two of three");
}
#[test]
fn quality_unknown_for_long_is_told() {
    let mut c = condition(0, ConditionKind::Unknown);
    c.on_delay_s = 30.0;
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    hall.give(1.0, Reading { quality: model::Quality::Bad, ..Hall::reading(0, 1.0, 0.0) }).tick(30.0);
    assert_eq!(hall.story(), "");
    hall.tick(32.0).read(0, 33.0, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}
#[test]
fn suppression_by_design_counts_and_sounds_when_it_ends() {
    let mut c = condition(0, ConditionKind::High(50.0));
    c.suppress_when = Some(program("b > 0"));
    let mut hall = Hall::new(vec![tag("a"), tag("b")], vec![c]);
    hall.read(1, 1.0, 1.0).read(0, 2.0, 60.0);
    assert_eq!(hall.engine.open_alarms()[0].state, State::SuppressedByDesign);
    hall.read(1, 3.0, 0.0);
    let told: Vec<_> = hall.transitions().map(|t| (t.cause, t.annunciation)).collect();
    let expected = [(Cause::Raised, Annunciation::Suppressed), (Cause::Unsuppressed, Annunciation::Individual)];
    assert_eq!(told, expected);
}
#[test]
fn first_out_ranks_the_raises_of_a_group() {
    let mut list: Vec<_> = (0..3).map(|n| condition(n, ConditionKind::High(50.0))).collect();
    list.iter_mut().for_each(|c| c.group = "unit-1".into());
    let mut hall = Hall::new(vec![tag("a"), tag("b"), tag("c")], list);
    hall.read(2, 1.0, 60.0).read(0, 2.0, 60.0).read(1, 3.0, 60.0);
    let ranks: Vec<_> = hall.transitions().map(|t| (t.alarm.tag.0, t.alarm.first_out)).collect();
    assert_eq!(ranks, [(2, 1), (0, 2), (1, 3)]);
}
#[test]
fn a_rate_of_change_raises_without_a_limit_being_near() {
    let mut hall = Hall::new(vec![tag("a")], vec![condition(0, ConditionKind::Rate { per_s: 0.5, window_s: 10.0 })]);
    (0..20).for_each(|i| {
        hall.read(0, f64::from(i), f64::from(i) * 0.1);
    });
    assert_eq!(hall.story(), "");
    (20..30).for_each(|i| {
        hall.read(0, f64::from(i), f64::from(i) * 2.0);
    });
    assert!(hall.story().starts_with("1:Raised"));
}
