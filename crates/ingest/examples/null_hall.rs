//! A hall that only writes and syncs: what the door costs by itself. `null_hall ADDRESS FILE TAGS [noop]`.
//! Tags are those of the bench meter: `fh/v1/ent{n}/tag{n}`, fifty per enterprise, or `TAGS` names from its template.
#![allow(clippy::print_stdout, reason = "a bench program")]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ingest::mqtt::{Allowed, Door, DoorDeps, DoorSettings, Identity};
use ingest::{Batch, Submit};
use model::{Directory, GatewayIndex, Limits, TagEntry};
use runtime::{Intake, Offer, Shared, Tasks};

fn entry(enterprise: String, tag: String) -> TagEntry {
    TagEntry {
        enterprise,
        tag,
        unit_id: String::new(),
        description_zh: String::new(),
        description_en: String::new(),
        unit: String::new(),
        span: None,
        limits: Limits::default(),
        deadband: 0.0,
        on_delay_s: 0.0,
        off_delay_s: 0.0,
        period_s: None,
        retired: false,
    }
}

fn hall(intake: Arc<Intake<Batch>>, path: String, sync: bool) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(&vec![1; 64 << 20])?;
    file.sync_all()?;
    let (mut batches, mut bytes, mut at) = (Vec::new(), Vec::new(), 0u64);
    while intake.wait(Duration::from_secs(1)) {
        intake.take(&mut batches);
        bytes.clear();
        for reading in batches.iter().flat_map(|b: &Batch| &b.readings) {
            bytes.extend_from_slice(&reading.tag.0.to_le_bytes());
            bytes.extend_from_slice(&reading.value.to_le_bytes());
            bytes.extend_from_slice(&reading.source_time.0.to_le_bytes());
        }
        if sync && !bytes.is_empty() {
            use std::os::unix::fs::FileExt;
            // Written blocks are used again: a growing file makes fdatasync write metadata too.
            at = if at + bytes.len() as u64 > 64 << 20 { 0 } else { at };
            file.write_all_at(&bytes, at)?;
            file.sync_data()?;
            at += bytes.len() as u64;
        }
        for (mark, count) in batches.drain(..).filter_map(|b| b.done) {
            mark.advance(count);
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, address, path, tags, rest @ ..] = &args[..] else {
        return Err("null_hall ADDRESS FILE TAGS [noop]".into());
    };
    let tags: usize = tags.parse()?;
    let names = (0..tags).map(|i| entry(format!("e{}", i / 50), format!("t{i}")));
    let directory = Directory::new(0, Vec::new(), names.collect());
    let intake = Arc::new(Intake::new(1_000_000));
    let taker = intake.clone();
    let (path, sync) = (path.clone(), rest.is_empty());
    let thread = Tasks::thread("hall", move || {
        if let Err(error) = hall(taker, path, sync) {
            println!("hall: {error}");
        }
    })?;
    let giver = intake.clone();
    let submit: Submit = Arc::new(move |batch: Batch| {
        let weight = batch.weight();
        match giver.offer(batch, weight, false) {
            Offer::Taken => Ok(()),
            Offer::Full(batch) | Offer::Closed(batch) => Err(batch),
        }
    });
    let next = AtomicU32::new(0);
    let identity =
        Identity { device: "bench".into(), enterprises: Allowed::All, client_ids: Vec::new(), outgoing: Vec::new() };
    let deps = DoorDeps {
        submit,
        directory: Arc::new(Shared::new(directory)),
        mappings: Arc::default(),
        verify: Arc::new(move |_| Ok(identity.clone())),
        intern: Arc::new(move |_| GatewayIndex(next.fetch_add(1, Ordering::Relaxed))),
        load_session: Arc::new(|_| None),
        save_session: Arc::new(|_, _| true),
        rejections: Arc::default(),
        pending: Arc::default(),
        metrics: runtime::Metrics::default(),
    };
    let tasks = Tasks::new();
    let metrics = deps.metrics.clone();
    let settings = DoorSettings { plain: Some(address.parse()?), ..DoorSettings::default() };
    let door = Door::listen(settings, deps, &tasks).await?;
    println!("listening on {:?}", door.plain);
    tokio::signal::ctrl_c().await?;
    tasks.stop(Duration::from_secs(5)).await;
    intake.close();
    let _ = thread.join();
    println!("{}", metrics.render());
    Ok(())
}
