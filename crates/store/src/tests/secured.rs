//! What the redo log promises of the tables behind it, beyond what `crash` kills: SQLite only.

use std::os::unix::fs::FileExt;
use std::path::Path;

use super::engines::sqlite;
use super::journal::{fact, inputs};
use crate::{Commit, Journal, Location, Param, StoreError};

/// A journal with facts 1 to 3, each a record of one block of the log.
fn three(location: &Location) -> Journal {
    let (mut journal, _) = Journal::open(location).expect("opens");
    (1..=3).for_each(|n| add(&mut journal, n));
    journal
}

fn add(journal: &mut Journal, n: u32) {
    let (log, _) = inputs(n..n + 1);
    journal.commit(&Commit { inputs: &log, facts: &[fact(u64::from(n), 1, "{}")] }).expect("commits");
}

/// A write that the power failed in: the block is neither the old nor the new one.
fn tear(folder: &Path, block: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(folder.join("journal.redo")).expect("opens");
    file.write_all_at(&[0xEE; 64], block * 4096 + 20).expect("tears");
}

/// SQLite syncs nothing for a transaction that changed nothing (`sqlite3PagerCommitPhaseOne` returns at once), so what
/// was settled before it is still only in the log.
#[test]
fn a_commit_that_changed_nothing_frees_nothing_of_the_log() {
    let place = sqlite();
    let mut journal = three(&place.location);
    let delete =
        |id| move |db: &mut crate::Database| db.execute("DELETE FROM outbox WHERE fact = $1", &[Param::Int(id)]);
    let taken = |journal: &Journal| journal.redo.as_ref().map(|redo| redo.taken_bytes());
    journal.apply(&[], delete(99)).expect("none");
    assert_eq!(journal.prune_to(0, 100).expect("prunes"), 0);
    assert_eq!(taken(&journal), Some(3 * 4096));
    journal.apply(&[], delete(1)).expect("one");
    assert_eq!(taken(&journal), Some(0));
}

/// What is secured and not settled is told already: a crash must not lose it, and whatever is written next comes after it.
#[test]
fn what_the_tables_lack_is_there_after_a_start_and_before_the_next_write() {
    let place = sqlite();
    let mut journal = three(&place.location);
    let secure = |journal: &mut Journal, n: u64| {
        let (log, _) = inputs(n as u32..n as u32 + 1);
        journal.secure(&Commit { inputs: &log, facts: &[fact(n, 1, "{}")] }).expect("secures").expect("in the log")
    };
    let events = |location: &Location| crate::Reader::open(location).and_then(|mut r| r.events_since(0, 10));
    secure(&mut journal, 4);
    let at = secure(&mut journal, 5);
    assert_eq!((journal.last_fact_seq(), events(&place.location).expect("reads").len()), (5, 3));
    journal.audit(&[crate::AuditNote { account: "a", action: "b", subject: "c", detail: "d" }]).expect("synced");
    assert_eq!(events(&place.location).expect("reads").last().map(|e| (e.seq, e.committed_at)), Some((5, at)));
    secure(&mut journal, 6);
    drop(journal);
    let (_, recovered) = Journal::open(&place.location).expect("opens");
    assert_eq!((recovered.last_fact_seq, recovered.last_input_seq), (6, 6));
    assert!(crate::verify(&place.location, None).expect("walks").is_sound());
}

#[test]
fn inputs_alone_go_the_same_way() {
    let place = sqlite();
    let (mut journal, _) = Journal::open(&place.location).expect("opens");
    let (log, expected) = inputs(0..50);
    journal.secure(&Commit { inputs: &log, facts: &[] }).expect("secures").expect("in the log");
    drop(journal);
    let (mut journal, recovered) = Journal::open(&place.location).expect("opens");
    assert_eq!(recovered.last_input_seq, 1);
    assert_eq!(super::journal::replayed(&mut journal, 0), expected);
}

/// A log that goes round many times under load: places are freed by the sync beside the commits.
#[test]
fn the_log_goes_round_while_the_tables_follow() {
    let place = sqlite();
    let (mut journal, _) = Journal::open(&place.location).expect("opens");
    let (log, expected) = inputs(0..2_000);
    let mut refused = 0;
    for round in 1..=300 {
        let commit = Commit { inputs: &log, facts: &[] };
        if journal.secure(&commit).expect("secures").is_none() {
            refused += 1;
            journal.commit(&commit).expect("commits");
        }
        if round % 5 == 0 {
            journal.settle().expect("settles");
        }
    }
    assert!(refused < 30, "{refused} of 300 found no room");
    drop(journal);
    let (mut journal, recovered) = Journal::open(&place.location).expect("opens");
    assert_eq!(recovered.last_input_seq, 300);
    assert_eq!(super::journal::replayed(&mut journal, 0).len(), 300 * expected.len());
}

/// The tables have all of it: what rots in the log afterwards stops no start.
#[test]
fn damage_in_a_log_that_nobody_needs_is_passed_over() {
    let place = sqlite();
    let Location::Sqlite(folder) = &place.location else { return };
    drop(three(&place.location));
    tear(folder, 1);
    let (mut journal, recovered) = Journal::open(&place.location).expect("opens");
    assert_eq!(recovered.last_fact_seq, 3);
    add(&mut journal, 4);
    drop(journal);
    tear(folder, 3);
    let (mut journal, recovered) = Journal::open(&place.location).expect("opens with a torn newest record");
    assert_eq!(recovered.last_fact_seq, 4);
    add(&mut journal, 5);
    drop(journal);
    let (_, recovered) = Journal::open(&place.location).expect("opens again");
    assert_eq!(recovered.last_fact_seq, 5);
}

/// Tables without the log's facts, as a power cut leaves them: damage before a whole record is told, not passed over.
#[test]
fn a_damaged_record_before_one_that_the_tables_lack_is_told() {
    for torn in [0, 1] {
        let place = sqlite();
        let Location::Sqlite(folder) = &place.location else { return };
        drop(three(&place.location));
        let log = std::fs::read(folder.join("journal.redo")).expect("reads");
        let other = sqlite();
        let Location::Sqlite(behind) = &other.location else { return };
        drop(Journal::open(&other.location).expect("opens"));
        std::fs::write(behind.join("journal.redo"), log).expect("writes");
        tear(behind, torn);
        let opened = Journal::open(&other.location).map(|_| ());
        assert!(
            matches!(opened, Err(StoreError::Damaged { table: "journal.redo", row, .. }) if row == torn as i64 + 1),
            "{opened:?}"
        );
    }
}

#[test]
fn a_log_of_other_tables_is_refused() {
    let place = sqlite();
    let Location::Sqlite(folder) = &place.location else { return };
    let mut journal = three(&place.location);
    journal.audit(&[crate::AuditNote { account: "a", action: "b", subject: "c", detail: "d" }]).expect("synced");
    add(&mut journal, 4);
    drop(journal);
    let log = std::fs::read(folder.join("journal.redo")).expect("reads");
    let other = sqlite();
    let Location::Sqlite(behind) = &other.location else { return };
    drop(Journal::open(&other.location).expect("opens"));
    std::fs::write(behind.join("journal.redo"), log).expect("writes");
    let opened = Journal::open(&other.location).map(|_| ());
    assert!(matches!(opened, Err(StoreError::Damaged { table: "journal.redo", row: 4, .. })), "{opened:?}");
}
