//! Late readings, clocks and gaps.

use crate::hall::{Hall, at, condition, tag};
use alarm::{Annunciation, Cause, ConditionKind, GapPolicy, State};
use engine::{Event, FactBody, LinkChange, LinkScope, Notice};
use model::GatewayIndex;

use super::{annunciations, check_pending, from_device, hall, limit_causes};

// Late, out of order, clocks.

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

// Gaps.

#[test]
fn victoriametrics_8225_what_a_gap_does_is_said_by_the_rule() {
    check_pending(60.0, 120.0, GapPolicy::Bridge, "1:Bridged");
    check_pending(60.0, 120.0, GapPolicy::Restart, "");
}
