//! The alarm torture suite: what users of other alarm engines complain about, each scenario named after its thread.
//! Threads of one class share a `check` function and differ in what is at stake. Client-side MQTT threads are tested at the door.

mod clocks;
mod data;
mod detectors;
mod state;
mod storms;

use crate::hall::{Hall, at, condition, tag};
use alarm::{Annunciation, Cause, ConditionKind, GapPolicy};
use model::Reading;

/// One high limit of 50 on one tag with these delays.
pub fn hall(on_s: f64, off_s: f64, gap: GapPolicy) -> Hall {
    let mut c = condition(0, ConditionKind::High(50.0));
    (c.on_delay_s, c.off_delay_s, c.gap) = (on_s, off_s, gap);
    Hall::new(vec![tag("a")], vec![c])
}

/// A pending on-delay of `on_s`, begun at 0, survives a restart of `down_s`; the first reading after it decides.
#[track_caller]
pub fn check_pending(on_s: f64, down_s: f64, gap: GapPolicy, story: &str) {
    let mut hall = hall(on_s, 0.0, gap);
    hall.read(0, 0.0, 60.0).read(0, 1.0, 60.0).restart(down_s);
    hall.tick(1.5 + down_s).read(0, 2.0 + down_s, 60.0);
    assert_eq!(hall.story(), story, "on-delay {on_s}, down {down_s}");
}

/// A tag with a period of 1 s, its limit, and its stale condition with this on-delay.
pub fn periodic(stale_delay_s: f64) -> Hall {
    let mut settings = tag("a");
    settings.period_s = Some(1.0);
    let mut stale = condition(0, ConditionKind::Stale);
    stale.on_delay_s = stale_delay_s;
    Hall::new(vec![settings], vec![condition(0, ConditionKind::High(50.0)), stale])
}

pub fn limit_causes(hall: &Hall) -> Vec<Cause> {
    hall.transitions().filter(|t| t.alarm.level.as_ref() == "h").map(|t| t.cause).collect()
}

pub fn annunciations(hall: &Hall) -> usize {
    hall.transitions().filter(|t| t.annunciation == Annunciation::Individual).count()
}

pub fn from_device(tag: u32, source_s: f64, server_s: f64, value: f64) -> Reading {
    Reading { source_time: at(source_s), server_time: at(server_s), ..Hall::reading(tag, server_s, value) }
}
