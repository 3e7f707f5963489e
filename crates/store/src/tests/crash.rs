//! Killed at every write, and told of a disk error at every sync: whatever was acknowledged is there after a reopen,
//! nothing is doubled, and the audit chain is whole. A child runs under strace, which kills it at the n-th call.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::journal::{fact, inputs, replayed};
use crate::{Commit, Journal, Location, StoreError, verify};

const COMMITS: u64 = 5;
const INPUTS: u32 = 30;
const CHILD: &str = "FENGHUO_CRASH_CHILD";

/// Not a test by itself: what the killed child does.
#[test]
fn child() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let say = |line: &str| writeln!(std::io::stdout(), "\n{line}").expect("stdout");
    let Ok((mut journal, _)) = Journal::open(&Location::Sqlite(folder.into())) else { return say("refused") };
    if journal.register(&[("east", "t")], &["c"], &["g"]).is_err() {
        return say("stopped");
    }
    for n in 1..=COMMITS {
        let (log, _) = inputs(batch(n));
        match journal.commit(&Commit { inputs: &log, facts: &[fact(n, 1, "{}")] }) {
            Ok(_) => say(&format!("ack {n}")),
            Err(_) => return say_stopped(&mut journal, n),
        }
    }
    say("finished");
}

fn say_stopped(journal: &mut Journal, n: u64) {
    let (log, _) = inputs(batch(n));
    let again = journal.commit(&Commit { inputs: &log, facts: &[fact(n, 1, "{}")] });
    let word = if matches!(again, Err(StoreError::Stopped { .. })) { "stopped" } else { "lied" };
    writeln!(std::io::stdout(), "\n{word}").expect("stdout");
}

fn batch(n: u64) -> std::ops::Range<u32> {
    let start = (n as u32 - 1) * INPUTS;
    start..start + INPUTS
}

/// What the child said before it ended.
fn run(folder: &Path, inject: &str) -> BTreeMap<String, u64> {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", inject])
        .arg(program)
        .args(["--exact", "tests::crash::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .stderr(Stdio::null())
        .output()
        .expect("strace is not installed: install the package `strace` (Debian: apt-get install strace)");
    let mut said = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (word, number) = line.split_once(' ').unwrap_or((line, "0"));
        said.insert(word.to_owned(), number.parse().unwrap_or(0));
    }
    said
}

#[track_caller]
fn check_recovered(folder: &Path, acked: u64, inject: &str) {
    let location = Location::Sqlite(folder.to_owned());
    let (mut journal, recovered) = Journal::open(&location).expect("opens again");
    let kept = recovered.last_fact_seq;
    assert!((acked..=acked + 1).contains(&kept), "{inject}: acknowledged {acked}, found {kept}");
    assert_eq!(recovered.last_input_seq, kept, "{inject}");
    let (_, expected) = inputs(0..kept as u32 * INPUTS);
    assert_eq!(replayed(&mut journal, 0).len(), expected.len(), "{inject}");
    let report = verify(&location, None).expect("walks");
    assert!(report.is_sound(), "{inject}: {report}");
    assert_eq!((report.rows, report.events), (kept, kept), "{inject}");
    // And it goes on.
    let (log, _) = inputs(0..5);
    journal.commit(&Commit { inputs: &log, facts: &[fact(kept + 1, 1, "{}")] }).expect("commits");
}

/// Injects at the n-th `call`, checks what is there after a reopen, and returns what the child said.
fn at(call: &str, effect: &str, n: u64) -> BTreeMap<String, u64> {
    let folder = tempfile::tempdir().expect("a folder");
    let inject = format!("inject={call}:{effect}:when={n}");
    let said = run(folder.path(), &inject);
    assert!(!said.contains_key("lied"), "{inject}: committed after a failed sync");
    check_recovered(folder.path(), said.get("ack").copied().unwrap_or(0), &inject);
    said
}

/// Kills at every index of `call` until the child runs to its end; returns how many cut points there were.
fn killed_at_every(call: &str) -> u64 {
    (1..).take_while(|n| !at(call, "signal=SIGKILL", *n).contains_key("finished")).count() as u64
}

#[test]
fn killed_at_every_write() {
    let cuts = killed_at_every("pwrite64");
    assert!(cuts > 40, "only {cuts} writes");
}

#[test]
fn killed_at_every_sync_and_a_disk_error_at_every_sync() {
    let cuts = killed_at_every("fdatasync");
    assert!(cuts > COMMITS, "only {cuts} syncs: is SQLite built with HAVE_FDATASYNC?");
    // SQLite passes over an error of the first sync, of the folder; every commit's must stop the journal.
    let stopped = (1..=cuts).filter(|n| at("fdatasync", "error=EIO", *n).contains_key("stopped")).count() as u64;
    assert!(stopped >= COMMITS, "only {stopped} of {cuts} errors stopped the journal");
}

#[test]
fn a_full_disk_stops_the_journal_for_good() {
    let place = super::engines::sqlite();
    let (mut journal, _) = Journal::open(&place.location).expect("opens");
    let (log, _) = inputs(0..10_000);
    journal.database.batch("PRAGMA max_page_count = 20").expect("limits");
    let full = journal.commit(&Commit { inputs: &log, facts: &[fact(1, 1, "{}")] });
    assert!(matches!(full, Err(StoreError::Sql { .. })), "{full:?}");
    journal.database.batch("PRAGMA max_page_count = 1000000").expect("frees");
    let (small, _) = inputs(0..5);
    let again = journal.commit(&Commit { inputs: &small, facts: &[fact(1, 1, "{}")] });
    assert!(matches!(again, Err(StoreError::Stopped { .. })), "{again:?}");
    drop(journal);
    // It was secured in the redo log before the tables were full: it may have been told, so it is there.
    let (_, recovered) = Journal::open(&place.location).expect("opens again");
    assert_eq!((recovered.last_fact_seq, recovered.last_input_seq), (1, 1));
}
