//! `fenghuo serve`: the hall with a configuration, until a signal.

use std::path::Path;
use std::sync::Arc;

use config::Source;
use tokio::signal::unix::{SignalKind, signal};

use crate::building::{Building, Plan};
use crate::{cameras, check, users};

/// Runs the hall.
///
/// # Errors
/// With an exit code, when it cannot start.
pub fn run(file: &Path) -> anyhow::Result<()> {
    let loaded = check::loaded(&check::source(file)?)?;
    let data_dir = file.parent().unwrap_or(Path::new(".")).join(&loaded.settings.data_dir);
    let devices = loaded.settings.devices.iter().map(Into::into).collect();
    let path = file.to_owned();
    let video = cameras::settings(&loaded, &data_dir, &|_| None)?;
    let plan = Plan { loaded, source: Arc::new(move || Source::read(&path)), data_dir, devices, video };
    let accounts = plan.loaded.settings.accounts.clone();
    let runtime = runtime()?;
    let building = Building::open(plan, runtime.handle())?;
    users::first_accounts(&building, &accounts)?;
    tracing::info!(console = %building.http, mqtt = %building.mqtt, "open");
    runtime.block_on(until_told())?;
    building.close(runtime.handle());
    Ok(())
}

/// The async runtime of the program.
///
/// # Errors
/// The operating system's.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("fenghuo").build()?)
}

/// Until SIGINT or SIGTERM; a second one ends at once.
///
/// # Errors
/// The operating system's.
pub async fn until_told() -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    // A plain thread: it must answer even when the runtime no longer does.
    runtime::Tasks::thread("second signal", move || {
        let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build().map(|rt| {
            rt.block_on(async {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            });
        });
        if waiting.is_ok() {
            std::process::exit(130);
        }
    })?;
    Ok(())
}
