//! Warnings to devices: `fenghuo/out/alarms/ENTERPRISE/ALARM`, retained while the alarm is open, so that a siren that
//! reconnects gets the live warning. The outbox makes sure that none is forgotten over a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::{Fact, FactBody};
use hall::{Hall, Told};
use ingest::mqtt::Outgoing;
use model::Priority;
use parking_lot::{Mutex, MutexGuard};
use protocol::{Problem, settle};
use response::Real;
use runtime::Tasks;

use crate::records::{Readers, change_records};

/// Told messages leave the outbox this often.
const CLEAR_EVERY: Duration = Duration::from_secs(2);
/// The tables are at most a stalled disk behind: looked at so often, this far apart.
const TABLES_LOOKS: u32 = 2_500;
const TABLES_EVERY: Duration = Duration::from_millis(4);
/// Messages read from the outbox at once, at the start.
const PAGE: u64 = 1_000;

/// The way to devices; opened when the door is.
#[derive(Default)]
pub struct Outlet {
    outgoing: Mutex<Option<Outgoing>>,
    told: AtomicU64,
    /// The newest fact that was told before the way was open.
    missed: AtomicU64,
}

impl Outlet {
    /// Tells durable facts.
    pub fn tell(&self, told: &Told<'_>) {
        let outgoing = self.outgoing.lock();
        let Some(outgoing) = &*outgoing else {
            let newest = told.facts.last().map_or(0, |f| f.seq);
            self.missed.fetch_max(newest, Ordering::AcqRel);
            return;
        };
        for (fact, text) in told.facts.iter().zip(told.texts) {
            // Only what is real gets a topic: a drill cannot reach a siren by its type.
            if let Some(topic) = response::Told::of(fact).real().and_then(topic) {
                let open = is_open(fact);
                let frame = settle(text, Some(told.committed_at));
                // MQTT: an empty retained message removes the retained one; the last frame itself goes out first.
                outgoing.publish(&topic, frame.as_bytes(), 1, open);
                if !open {
                    outgoing.publish(&topic, b"", 1, true);
                }
            }
            self.told.store(fact.seq, Ordering::Release);
        }
    }

    /// Opens the way and tells what the outbox still holds from before.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn open(&self, outgoing: Outgoing, readers: &Readers) -> Result<(), Problem> {
        let mut slot = self.closed_way(readers)?;
        let open = store::AlarmFilter { closed: Some(false), limit: store::ROWS_MAX, ..Default::default() };
        for row in readers.read(|r| r.alarms(&open))? {
            republish(&outgoing, &settle(&row.json, Some(row.committed_at)));
        }
        let mut after = 0;
        loop {
            let page = readers.read(|r| {
                store::outbox::waiting(r.database(), after, PAGE)
                    .map_err(|source| store::StoreError::Sql { doing: "read the outbox", source })
            })?;
            let Some(last) = page.last() else { break };
            after = last.fact;
            for message in &page {
                republish(&outgoing, &settle(&message.json, Some(message.committed_at)));
            }
            self.told.fetch_max(after, Ordering::AcqRel);
        }
        *slot = Some(outgoing);
        Ok(())
    }

    /// The way, held while the outbox is read: what is committed meanwhile is told after it, not skipped. A fact is told
    /// before the tables have it, so one that found the way closed may be in the outbox only a moment later; the hall
    /// must not find the way held until then, for it writes the tables.
    fn closed_way(&self, readers: &Readers) -> Result<MutexGuard<'_, Option<Outgoing>>, Problem> {
        for _ in 0..TABLES_LOOKS {
            let slot = self.outgoing.lock();
            let missed = self.missed.load(Ordering::Acquire);
            if missed == 0 || !readers.read(|r| r.events_since(missed - 1, 1))?.is_empty() {
                return Ok(slot);
            }
            drop(slot);
            std::thread::sleep(TABLES_EVERY);
        }
        Err(Problem::new("BUSY", "").detail("发布箱尚未写入", "the outbox does not have the newest facts yet"))
    }

    /// Clears the outbox of what was told, now and then: a crash in between tells it again, which is harmless.
    pub fn start_clearing(self: &Arc<Self>, hall: &Hall, tasks: &Tasks) {
        let (outlet, hall, stop) = (self.clone(), hall.clone(), tasks.stopping().clone());
        tasks.run("outbox", async move {
            let mut cleared = 0;
            loop {
                tokio::select! { biased; () = stop.cancelled() => return, () = tokio::time::sleep(CLEAR_EVERY) => {} }
                let told = outlet.told.load(Ordering::Acquire);
                if told > cleared && clear(&hall, told).await {
                    cleared = told;
                }
            }
        });
    }
}

async fn clear(hall: &Hall, told: u64) -> bool {
    let hall = hall.clone();
    let change =
        move || change_records(&hall, Box::new(move |db| store::outbox::done_through(db, told).map(|_| ())), None);
    matches!(tokio::task::spawn_blocking(change).await, Ok(Ok(())))
}

fn topic(fact: Real<&Fact>) -> Option<String> {
    match &fact.get().body {
        FactBody::Alarm(t) if t.alarm.priority != Priority::Diagnostic => {
            Some(format!("fenghuo/out/alarms/{}/{}", t.alarm.enterprise, t.alarm.alarm_id))
        }
        _ => None,
    }
}

fn is_open(fact: &Fact) -> bool {
    matches!(&fact.body, FactBody::Alarm(t) if t.alarm.state != alarm::State::Normal)
}

/// What of an alarm's frame says where and whether to publish it; a start reads ten thousand of them.
#[derive(serde::Deserialize)]
struct Warning<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    enterprise: &'a str,
    alarm_id: &'a str,
    priority: u8,
    state: alarm::State,
}

fn republish(outgoing: &Outgoing, frame: &str) {
    let Ok(warning) = serde_json::from_str::<Warning<'_>>(frame) else { return };
    if warning.kind != "alarm" || warning.priority == u8::from(Priority::Diagnostic) {
        return;
    }
    let topic = format!("fenghuo/out/alarms/{}/{}", warning.enterprise, warning.alarm_id);
    outgoing.publish(&topic, frame.as_bytes(), 1, warning.state != alarm::State::Normal);
}
