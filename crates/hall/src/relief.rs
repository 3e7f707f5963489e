//! The relief: while a commit does not return, it takes over the engine, and tells alarms provisionally when their
//! budget is spent. Nothing else is told before it is durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::FactBody;
use model::Time;
use protocol::encode_fact;
use runtime::unix_now;

use crate::writer::Shared;

/// It looks this often whether a commit is stuck.
const LOOK: Duration = Duration::from_millis(10);
/// A commit that takes longer than this is relieved, microseconds.
const STUCK_US: i64 = 10_000;
/// A disk that does not answer for this long is itself an alarm, microseconds. Shorter stalls are counted and show as
/// provisional frames: a busy disk passes the commit budget many times a day.
const ALARM_US: i64 = 1_000_000;
/// While relieving it waits at most this long for new submissions.
const STEP: Duration = Duration::from_millis(2);
/// Readings it takes in before it lets the doors wait.
const READINGS_MAX: usize = 2_000_000;

pub(crate) fn run(shared: &Arc<Shared>) {
    while !shared.stopped.load(Ordering::Acquire) {
        std::thread::park_timeout(LOOK);
        let since = shared.committing_since.load(Ordering::Acquire);
        if since != 0 && unix_now() - since > STUCK_US {
            relieve(shared, since);
        }
    }
}

/// Until this commit is over.
fn relieve(shared: &Shared, since: i64) {
    let mut told = 0;
    let mut announced = false;
    while shared.committing_since.load(Ordering::Acquire) == since {
        let now = unix_now();
        if !announced && now - since > ALARM_US {
            announced = true;
            let ms = (now - since) / 1_000;
            shared.desk.lock().disk(Time(now), false, format!("the journal's disk has not answered for {ms} ms"));
        }
        tell(shared, now, &mut told);
        if shared.desk.lock().batch.readings.len() < READINGS_MAX {
            shared.intake.wait(STEP);
            shared.take_in(&mut Vec::new());
        } else {
            std::thread::park_timeout(STEP);
        }
    }
    if announced {
        let reason = format!("the journal's disk answered after {} ms", (unix_now() - since) / 1_000);
        shared.desk.lock().disk(Time(unix_now()), true, reason);
        shared.intake.nudge();
    }
}

/// Tells every alarm whose budget is spent, once; `told` is the highest number told.
fn tell(shared: &Shared, now: i64, told: &mut u64) {
    let due = |detected: Time| now - detected.0 >= shared.settings.commit_budget_us;
    let mut frames = Vec::new();
    for (seq, detected, text) in shared.in_flight.lock().iter() {
        if *seq > *told && due(*detected) {
            frames.push((*seq, text.clone()));
        }
    }
    let desk = shared.desk.lock();
    for fact in &desk.batch.facts {
        if fact.seq > *told && due(fact.at) && matches!(fact.body, FactBody::Alarm(_)) {
            frames.push((fact.seq, encode_fact(fact, desk.names())));
        }
    }
    drop(desk);
    if let Some((last, _)) = frames.last() {
        *told = *last;
        shared.counted.provisional.add(frames.len() as u64);
        (shared.outputs.provisional)(&frames);
    }
}
