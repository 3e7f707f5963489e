//! What the redo log promises of the tables behind it, beyond what `crash` kills: SQLite only.

use std::os::unix::fs::FileExt;
use std::path::Path;

use super::engines::sqlite;
use super::journal::{fact, inputs};
use crate::{Commit, Journal, Location, StoreError};

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

/// What begins at the front of the log: the number of its first record.
fn first_record(folder: &Path) -> u64 {
    let mut number = [0; 8];
    let file = std::fs::File::open(folder.join("journal.redo")).expect("opens");
    file.read_exact_at(&mut number, 12).expect("reads");
    u64::from_le_bytes(number)
}

/// A write that the power failed in: the block is neither the old nor the new one.
fn tear(folder: &Path, block: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(folder.join("journal.redo")).expect("opens");
    file.write_all_at(&[0xEE; 64], block * 4096 + 20).expect("tears");
}

/// SQLite syncs nothing for a transaction that changed nothing (`sqlite3PagerCommitPhaseOne` returns at once), so what
/// was settled before it is still only in the log.
#[test]
fn a_commit_that_changed_nothing_does_not_begin_the_log_anew() {
    let place = sqlite();
    let Location::Sqlite(folder) = &place.location else { return };
    let mut journal = three(&place.location);
    journal.apply(&[], |db| db.execute("DELETE FROM outbox WHERE fact = $1", &[crate::Param::Int(99)])).expect("none");
    assert_eq!(journal.prune_to(0, 100).expect("prunes"), 0);
    add(&mut journal, 4);
    assert_eq!(first_record(folder), 1);
    journal.apply(&[], |db| db.execute("DELETE FROM outbox WHERE fact = $1", &[crate::Param::Int(1)])).expect("one");
    add(&mut journal, 5);
    assert_eq!(first_record(folder), 5);
}

#[test]
fn old_records_behind_a_torn_one_do_not_stop_a_start() {
    let place = sqlite();
    let Location::Sqlite(folder) = &place.location else { return };
    let mut journal = three(&place.location);
    journal.audit(&[crate::AuditNote { account: "a", action: "b", subject: "c", detail: "d" }]).expect("synced");
    drop(journal);
    // The second block of a new record reached the disk and its first did not: 1 and 3 are whole, 2 is not.
    tear(folder, 1);
    let (mut journal, recovered) = Journal::open(&place.location).expect("opens");
    assert_eq!(recovered.last_fact_seq, 3);
    add(&mut journal, 4);
    drop(journal);
    tear(folder, 0);
    let (mut journal, recovered) = Journal::open(&place.location).expect("opens with a torn first record");
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
        assert!(matches!(opened, Err(StoreError::Damaged { table: "journal.redo", row: 3, .. })), "{opened:?}");
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
