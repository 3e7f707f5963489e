//! State lost on restart, and on rule edits.

use crate::hall::{Hall, condition, tag};
use crate::script::program;
use alarm::{Annunciation, Cause, ConditionKind, EscalationStep, GapPolicy, RuleSet, State};
use engine::AlarmAction;
use model::Priority;

use super::{check_pending, hall};

// Timer and alarm state lost on restart.

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

// Rule reload and edit.

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
