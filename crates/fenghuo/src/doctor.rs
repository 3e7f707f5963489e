//! `fenghuo doctor`: what this machine lacks, before the hall needs it.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::Instant;

use config::Source;

use crate::check;

/// Below this much free space the disk is a problem, bytes.
const FREE_MIN: u64 = 2 << 30;
/// A sync slower than this makes alarms provisional, milliseconds.
const SYNC_MAX_MS: f64 = 50.0;

struct Finding {
    good: bool,
    what: String,
}

/// Looks and prints, one finding a line.
///
/// # Errors
/// Exit 69 when something must be mended.
#[allow(clippy::print_stdout, reason = "what the command is for")]
pub fn run(config: Option<&Path>) -> anyhow::Result<()> {
    let source = match config {
        Some(file) => check::source(file)?,
        None => Source::demo(),
    };
    let loaded = check::loaded(&source)?;
    let folder = config.and_then(Path::parent).unwrap_or(Path::new(".")).join(&loaded.settings.data_dir);
    let findings = [
        clock(),
        disk(&folder),
        sync(&folder),
        port("console", loaded.settings.http.listen),
        port("MQTT door", loaded.settings.mqtt.listen),
        files(),
    ];
    for f in &findings {
        println!("{} {}", if f.good { "ok  " } else { "MEND" }, f.what);
    }
    match findings.iter().filter(|f| !f.good).count() {
        0 => Ok(()),
        n => Err(crate::exit::with(69, format!("{n} finding(s) to mend"))),
    }
}

fn clock() -> Finding {
    // Before this program was written: the battery of the clock is dead.
    let good = runtime::unix_now() > 1_760_000_000_000_000;
    Finding { good, what: format!("clock: {} µs since the epoch", runtime::unix_now()) }
}

fn disk(folder: &Path) -> Finding {
    if let Err(e) = std::fs::create_dir_all(folder) {
        return Finding { good: false, what: format!("data folder {}: {e}", folder.display()) };
    }
    let out = std::process::Command::new("df").args(["-Pk", "--"]).arg(folder).output();
    let text = out.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let free = text.lines().nth(1).and_then(|l| l.split_whitespace().nth(3)).and_then(|n| n.parse::<u64>().ok());
    match free {
        Some(kib) => Finding { good: kib << 10 >= FREE_MIN, what: format!("disk: {} MiB free", kib >> 10) },
        None => Finding { good: false, what: "disk: free space cannot be read".into() },
    }
}

/// The worst of twenty small synced writes.
fn sync(folder: &Path) -> Finding {
    let file = folder.join("doctor.tmp");
    let measure = || -> std::io::Result<f64> {
        let mut out = std::fs::File::create(&file)?;
        let mut worst = 0.0_f64;
        for _ in 0..20 {
            let started = Instant::now();
            out.write_all(&[0; 4_096])?;
            out.sync_data()?;
            worst = worst.max(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(worst)
    };
    let result = measure();
    let _ = std::fs::remove_file(&file);
    match result {
        Ok(ms) => Finding { good: ms < SYNC_MAX_MS, what: format!("disk sync: worst of 20 is {ms:.1} ms") },
        Err(e) => Finding { good: false, what: format!("disk sync: {e}") },
    }
}

fn port(name: &str, address: std::net::SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding { good: true, what: format!("{name}: {address} is free") },
        Err(e) => Finding { good: false, what: format!("{name}: {address}: {e}") },
    }
}

fn files() -> Finding {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|l| l.starts_with("Max open files")).unwrap_or_default();
    let soft = line.split_whitespace().nth(3).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    Finding { good: soft >= 4_096, what: format!("open files: {soft} allowed") }
}
