//! The alarm torture suite: what users of other alarm engines complain about, each scenario named after its thread.
//! Threads of one class share a `check` function and differ in what is at stake. Client-side MQTT threads are tested at the door.

use alarm::{Annunciation, Cause, ConditionKind, EscalationStep, GapPolicy, RuleSet, State};
use engine::{AlarmAction, Event, FactBody, LinkChange, LinkScope, Notice};
use model::{GatewayIndex, Priority, Reading, ReadingFlags};

use crate::hall::{Hall, at, condition, tag};
use crate::script::program;

/// One high limit of 50 on one tag with these delays.
fn hall(on_s: f64, off_s: f64, gap: GapPolicy) -> Hall {
    let mut c = condition(0, ConditionKind::High(50.0));
    (c.on_delay_s, c.off_delay_s, c.gap) = (on_s, off_s, gap);
    Hall::new(vec![tag("a")], vec![c])
}

// ---- Timer and alarm state lost on restart ------------------------------------------------------------------------

/// A pending on-delay of `on_s`, begun at 0, survives a restart of `down_s`; the first reading after it decides.
#[track_caller]
fn check_pending(on_s: f64, down_s: f64, gap: GapPolicy, story: &str) {
    let mut hall = hall(on_s, 0.0, gap);
    hall.read(0, 0.0, 60.0).read(0, 1.0, 60.0).restart(down_s);
    hall.tick(1.5 + down_s).read(0, 2.0 + down_s, 60.0);
    assert_eq!(hall.story(), story, "on-delay {on_s}, down {down_s}");
}

/// An active, acknowledged alarm keeps its number and its acknowledgement over a restart and says nothing.
#[track_caller]
fn check_active(down_s: f64) {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0);
    hall.ack(1.0, 1).unwrap();
    hall.restart(down_s).read(0, down_s + 2.0, 61.0);
    assert_eq!(hall.story(), "1:Raised 1:Acknowledged");
    assert_eq!(hall.engine.open_alarms()[0].acknowledgement.as_ref().unwrap().note, "现场确认");
    hall.read(0, down_s + 3.0, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Acknowledged 1:Recovered");
    assert_eq!(hall.engine.open_alarms(), vec![]);
}

/// A shelving survives; one that ended meanwhile is told once, and sounds.
#[track_caller]
fn check_shelved(down_s: f64, expires: bool) {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0);
    hall.act(1.0, 1, AlarmAction::Shelve { for_s: Some(100.0), reason: "检修".into() }).unwrap();
    hall.restart(down_s).tick(down_s + 2.0).restart(1.0).tick(down_s + 5.0);
    let expired: Vec<_> = hall.transitions().filter(|t| t.cause == Cause::ShelveExpired).collect();
    assert_eq!(expired.len(), usize::from(expires));
    assert!(expired.iter().all(|t| t.annunciation == Annunciation::Individual));
}

#[test]
fn prometheus_422_for_state_survives_restart() {
    check_pending(60.0, 120.0, GapPolicy::Bridge, "1:Bridged");
}
#[test]
fn prometheus_15175_short_for_is_restored_too() {
    check_pending(2.0, 5.0, GapPolicy::Bridge, "1:Bridged");
}
#[test]
fn thanos_5219_for_is_not_reset_by_a_short_restart() {
    check_pending(30.0, 30.0, GapPolicy::Bridge, "1:Bridged");
}
#[test]
fn mimir_3814_for_not_yet_over_goes_on_after_restart() {
    check_pending(60.0, 10.0, GapPolicy::Bridge, "");
}
#[test]
fn cortex_6465_for_survives_a_move_to_another_engine() {
    let mut hall = hall(60.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0);
    let moved = engine::Engine::restore(hall.engine.snapshot(), hall.engine.rules().clone()).unwrap();
    hall.engine = moved;
    hall.read(0, 60.0, 60.0);
    assert_eq!(hall.story(), "1:Raised");
}
#[test]
fn victoriametrics_1686_active_alarm_survives_restart() {
    check_active(10.0);
}
#[test]
fn victoriametrics_6030_state_is_restored_after_a_long_stop() {
    check_active(100_000.0);
}
#[test]
fn kapacitor_1115_alarm_id_is_the_same_after_restart() {
    check_active(1.0);
}
#[test]
fn kapacitor_1898_no_second_annunciation_after_restart() {
    check_active(600.0);
}
#[test]
fn kapacitor_2336_recovery_after_restart_is_told() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).restart(30.0).read(0, 40.0, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}
#[test]
fn grafana_93200_pending_is_not_reset_by_restart() {
    check_pending(10.0, 20.0, GapPolicy::Bridge, "1:Bridged");
}
#[test]
fn grafana_68162_active_is_not_reset_by_restart() {
    check_active(20.0);
}
#[test]
fn grafana_alerting_156_restart_does_not_send_again() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0);
    for i in 1..5 {
        hall.restart(10.0).read(0, 20.0 * f64::from(i), 60.0);
    }
    assert_eq!(hall.story(), "1:Raised");
}
#[test]
fn alertmanager_2370_silence_survives_restart() {
    check_shelved(10.0, false);
}
#[test]
fn alertmanager_889_silence_that_ended_while_down_ends_once() {
    check_shelved(500.0, true);
}
#[test]
fn home_assistant_56642_running_off_delay_survives_restart() {
    let mut hall = hall(0.0, 60.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).read(0, 1.0, 10.0).restart(10.0).read(0, 61.0, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}
#[test]
fn home_assistant_37739_timer_that_ended_while_down_is_settled_by_the_next_reading() {
    let mut hall = hall(0.0, 60.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).read(0, 1.0, 10.0).restart(600.0).tick(602.0);
    assert_eq!(hall.story(), "1:Raised", "no reading since: silence is no recovery");
    hall.read(0, 603.0, 10.0);
    assert_eq!(hall.story(), "1:Raised 1:Recovered");
}
#[test]
fn home_assistant_131961_delay_is_not_doubled_by_restart() {
    check_pending(10.0, 8.0, GapPolicy::Bridge, "1:Bridged");
}
#[test]
fn home_assistant_roadmap_221_escalation_survives_restart_and_fires_once() {
    let mut c = condition(0, ConditionKind::High(50.0));
    c.escalation = vec![EscalationStep { after_s: 60.0, to: "shift_lead".into() }];
    let mut hall = Hall::new(vec![tag("a")], vec![c]);
    hall.read(0, 0.0, 60.0).restart(600.0).tick(601.0).restart(1.0).tick(700.0);
    let told: Vec<_> = hall.transitions().filter(|t| t.cause == Cause::Escalated).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].note.as_deref(), Some("shift_lead (overdue)"));
}
#[test]
fn ekuiper_3847_window_survives_restart() {
    let mut hall =
        Hall::new(vec![tag("a")], vec![condition(0, ConditionKind::Expression(program("sum(a, 5m) > 100")))]);
    hall.read(0, 0.0, 60.0).restart(10.0).read(0, 12.0, 60.0);
    assert_eq!(hall.story(), "1:Raised");
}

// ---- Rule reload and edit -------------------------------------------------------------------------------------------

/// The story of an alarm raised at 0 whose rules are changed at 10.
#[track_caller]
fn check_edit(change: impl FnOnce(&mut RuleSet), value_after: f64, story: &str) {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).rules(10.0, change).read(0, 11.0, value_after);
    assert_eq!(hall.story(), story);
}

#[test]
fn prometheus_820_reload_keeps_active_alarms() {
    check_edit(|r| r.revision += 1, 60.0, "1:Raised");
    check_edit(|r| r.conditions[0].message_en = "new text".into(), 60.0, "1:Raised 1:RuleEdited");
    check_edit(|r| r.conditions[0].priority = Priority::I, 10.0, "1:Raised 1:RuleEdited 1:Recovered");
}
#[test]
fn prometheus_3376_reload_does_not_reset_for() {
    let mut hall = hall(60.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).rules(30.0, |r| r.conditions[0].message_en = "new".into()).read(0, 60.0, 60.0);
    assert_eq!(hall.story(), "1:Raised");
}
#[test]
fn thingsboard_pr_15439_another_duration_while_tracking_neither_crashes_nor_restarts() {
    let mut hall = hall(60.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).rules(30.0, |r| r.conditions[0].on_delay_s = 40.0).tick(39.0);
    assert_eq!(hall.story(), "");
    hall.tick(41.0);
    assert_eq!(hall.story(), "1:Raised");
}
#[test]
fn home_assistant_44882_a_clear_by_edit_is_not_a_recovery() {
    check_edit(|r| r.conditions[0].kind = ConditionKind::High(90.0), 60.0, "1:Raised 1:RuleEdited");
    check_edit(|r| r.conditions[0].retired = true, 60.0, "1:Raised 1:Retired");
}
#[test]
fn a_retired_alarm_still_needs_its_acknowledgement() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 0.0, 60.0).rules(10.0, |r| r.conditions[0].retired = true);
    let open = hall.engine.open_alarms();
    assert_eq!((open[0].state, open[0].retired), (State::ReturnedUnacknowledged, true));
    hall.ack(11.0, 1).unwrap();
    assert_eq!(hall.engine.open_alarms(), vec![]);
}

// ---- No data taken as recovery ----------------------------------------------------------------------------------------

/// A tag with a period of 1 s, its limit, and its stale condition with this on-delay.
fn periodic(stale_delay_s: f64) -> Hall {
    let mut settings = tag("a");
    settings.period_s = Some(1.0);
    let mut stale = condition(0, ConditionKind::Stale);
    stale.on_delay_s = stale_delay_s;
    Hall::new(vec![settings], vec![condition(0, ConditionKind::High(50.0)), stale])
}

fn limit_causes(hall: &Hall) -> Vec<Cause> {
    hall.transitions().filter(|t| t.alarm.level.as_ref() == "h").map(|t| t.cause).collect()
}

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

// ---- Storms on restart and disconnect -----------------------------------------------------------------------------------

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

fn annunciations(hall: &Hall) -> usize {
    hall.transitions().filter(|t| t.annunciation == Annunciation::Individual).count()
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

// ---- Lost clears and stuck alarms --------------------------------------------------------------------------------------------

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

// ---- Duplicates -------------------------------------------------------------------------------------------------------------------

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

// ---- Late, out of order, clocks ------------------------------------------------------------------------------------------------------

fn from_device(tag: u32, source_s: f64, server_s: f64, value: f64) -> Reading {
    Reading { source_time: at(source_s), server_time: at(server_s), ..Hall::reading(tag, server_s, value) }
}

#[test]
fn thingsboard_4207_with_a_reorder_buffer_order_of_arrival_does_not_matter() {
    let run = |order: [f64; 3]| {
        let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
        hall.rules(0.0, |r| r.tags[0].reorder_s = 10.0);
        for (i, source) in order.iter().enumerate() {
            let value = if *source == 2.0 { 60.0 } else { 10.0 };
            hall.give(3.0 + i as f64, from_device(0, *source, 3.0 + i as f64, value));
        }
        hall.tick(30.0).story()
    };
    assert_eq!(run([1.0, 2.0, 3.0]), "1:Raised 1:Recovered");
    assert_eq!(run([3.0, 1.0, 2.0]), "1:Raised 1:Recovered");
}
#[test]
fn thingsboard_pr_10860_a_time_from_the_future_does_not_start_after_its_end() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.give(1.0, from_device(0, 90_000.0, 1.0, 60.0));
    hall.give(20.0, from_device(0, 20.0, 20.0, 10.0));
    let times: Vec<_> = hall.transitions().filter(|t| t.alarm.level.as_ref() == "h").map(|t| t.event_time).collect();
    assert_eq!(times, [at(6.0), at(20.0)], "the future is cut at F, and does not poison the tag");
    let clock = hall.transitions().any(|t| t.alarm.level.as_ref() == "clock_skew");
    assert!(clock, "the gateway's clock is told");
}
#[test]
fn thingsboard_10590_a_late_reading_does_not_touch_live_state() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 100.0, 60.0).give(101.0, from_device(0, 50.0, 101.0, 10.0));
    assert_eq!(hall.story(), "1:Raised");
    assert_eq!(hall.counts.late, 1);
}
#[test]
fn thingsboard_14210_a_delay_does_not_fire_in_a_data_gap() {
    let mut settings = tag("a");
    settings.period_s = Some(1.0);
    let mut c = condition(0, ConditionKind::High(50.0));
    c.on_delay_s = 60.0;
    let mut hall = Hall::new(vec![settings], vec![c]);
    hall.read(0, 0.0, 60.0).read(0, 1.0, 60.0).tick(100.0);
    assert_eq!(limit_causes(&hall), []);
    hall.read(0, 101.0, 60.0);
    assert_eq!(limit_causes(&hall), [Cause::Bridged]);
}
#[test]
fn ekuiper_530_a_future_reading_does_not_make_the_next_ones_late_for_ever() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.give(1.0, from_device(0, 1e7, 1.0, 10.0));
    hall.give(7.0, from_device(0, 7.0, 7.0, 60.0));
    assert_eq!(limit_causes(&hall), [Cause::Raised]);
}
#[test]
fn ekuiper_1050_a_clock_that_stepped_back_is_noticed_after_three_readings() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.read(0, 100.0, 10.0);
    for i in 0..3 {
        let s = 101.0 + f64::from(i);
        hall.give(s, from_device(0, s - 90_000.0, s, 60.0));
    }
    assert_eq!(limit_causes(&hall), [Cause::Raised]);
    assert!(hall.facts.iter().any(|f| matches!(f.body, FactBody::Notice(Notice::ClockStep { .. }))));
}
#[test]
fn ekuiper_1976_late_excursion_of_a_safety_tag_is_annunciated_as_late() {
    let mut settings = tag("a");
    settings.safety = true;
    let mut hall = Hall::new(vec![settings], vec![condition(0, ConditionKind::High(50.0))]);
    hall.read(0, 100.0, 10.0).give(101.0, from_device(0, 50.0, 101.0, 60.0));
    let t = hall.transitions().next().unwrap();
    assert_eq!((t.cause, t.late, t.annunciation), (Cause::RetrospectiveExcursion, true, Annunciation::Individual));
    assert_eq!((t.alarm.active, t.alarm.state), (false, State::ReturnedUnacknowledged));
    hall.give(800.0, from_device(0, 150.0, 800.0, 60.0));
    assert_eq!(hall.transitions().filter(|t| t.late).count(), 1, "older than ten minutes or not late: not annunciated");
}
#[test]
fn sparkplug_212_birth_and_data_out_of_order_are_evaluated_once() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    hall.give(2.0, from_device(0, 1.5, 2.0, 60.0)).give(2.1, from_device(0, 1.0, 2.1, 10.0));
    assert_eq!(hall.story(), "1:Raised");
}
#[test]
fn back_fill_after_a_reconnect_is_summed_up_and_what_stands_is_told() {
    let mut hall = hall(0.0, 0.0, GapPolicy::Bridge);
    let link = |up| {
        let scope = LinkScope::Gateway(GatewayIndex(0), "plant".into());
        Event::Link(LinkChange { scope, up, reason: "will".into() })
    };
    hall.read(0, 0.0, 10.0).step(1.0, link(false));
    hall.step(1_000.0, link(true));
    for (i, value) in [60.0, 10.0, 60.0, 61.0].into_iter().enumerate() {
        hall.give(
            1_001.0 + i as f64 * 0.01,
            from_device(0, 100.0 + 100.0 * i as f64, 1_001.0 + i as f64 * 0.01, value),
        );
    }
    assert_eq!(annunciations(&hall), 0);
    assert!(hall.transitions().all(|t| t.replayed));
    hall.give(1_002.0, from_device(0, 1_002.0, 1_002.0, 62.0));
    assert_eq!(annunciations(&hall), 1);
    let summary = Notice::Backfill { gateway: GatewayIndex(0), readings: 4, raised: 2, recovered: 1 };
    assert!(hall.facts.iter().any(|f| f.body == FactBody::Notice(summary.clone())));
    assert_eq!((hall.counts.replayed, hall.counts.live), (4, 2));
}

// ---- Gaps --------------------------------------------------------------------------------------------------------------------------------

#[test]
fn victoriametrics_8225_what_a_gap_does_is_said_by_the_rule() {
    check_pending(60.0, 120.0, GapPolicy::Bridge, "1:Bridged");
    check_pending(60.0, 120.0, GapPolicy::Restart, "");
}

// ---- Storms of alarms ----------------------------------------------------------------------------------------------------------------------

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

// ---- Growth --------------------------------------------------------------------------------------------------------------------------------

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

// ---- Cost of keeping ---------------------------------------------------------------------------------------------------------------------------

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

// ---- Expressiveness -----------------------------------------------------------------------------------------------------------------------------

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

// ---- Journal and broker loss -----------------------------------------------------------------------------------------------------------------------

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

// ---- Readings as a client brings them ---------------------------------------------------------------------------------------------------------------

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

// ---- Detectors ------------------------------------------------------------------------------------------------------------------------------------------

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
