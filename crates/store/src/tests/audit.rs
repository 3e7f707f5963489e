//! The audit chain: whatever is changed, deleted or reordered behind our back is found and named.

use super::engines::{on_both, sqlite};
use super::journal::fact;
use crate::{AuditNote, Commit, Database, InputLog, Journal, Location, Problem, Report, journal, verify};

/// Rows 1 to 6: facts 1 and 2, a note, facts 3 to 5.
fn filled(location: &Location) {
    let (mut journal, _) = Journal::open(location).expect("opens");
    let commit = |journal: &mut Journal, range: std::ops::Range<u64>| {
        let facts: Vec<_> = range.map(|seq| fact(seq, seq % 2, r#"{"a":1}"#)).collect();
        journal.commit(&Commit { inputs: &InputLog::new(), facts: &facts }).expect("commits");
    };
    commit(&mut journal, 1..3);
    let note = AuditNote { account: "wang", action: "session.login", subject: "wang", detail: "seat 1" };
    journal.audit(&[note]).expect("audits");
    commit(&mut journal, 3..6);
}

fn open(location: &Location) -> Database {
    match location {
        Location::Sqlite(folder) => Database::open_sqlite(&journal::database_file(folder), 0, false).expect("opens"),
        Location::Postgres(url) => Database::open_postgres(url).expect("connects"),
    }
}

#[track_caller]
fn check(tamper: &str, expected: &[&str]) {
    on_both(|location| {
        filled(location);
        open(location).batch(tamper).expect("tampers");
        let report = verify(location, None).expect("walks");
        let found: Vec<String> = report.problems.iter().map(Problem::to_string).collect();
        assert_eq!(found, expected, "{tamper}");
    });
}

#[test]
fn an_untouched_chain_is_sound() {
    check("SELECT 1", &[]);
}

#[test]
fn a_changed_event_is_named() {
    check(
        "UPDATE events SET json = '{\"a\":2}' WHERE seq = 3",
        &["audit row 4: its hash does not fit; the row or event Some(3) was changed"],
    );
}

#[test]
fn a_changed_time_or_actor_is_named() {
    let changed = ["audit row 3: its hash does not fit; the row or event None was changed"];
    check("UPDATE audit SET account = 'li' WHERE seq = 3", &changed);
    check("UPDATE audit SET at = at + 1 WHERE seq = 3", &changed);
    check("UPDATE audit SET action = 'session.logi', subject = 'nwang' WHERE seq = 3", &changed);
}

#[test]
fn a_deleted_row_is_named() {
    check(
        "DELETE FROM audit WHERE seq = 3",
        &["audit rows 3 to 3 are missing", "audit row 4: its hash does not fit; the row or event Some(3) was changed"],
    );
    check(
        "DELETE FROM events WHERE seq = 5",
        &["audit row 6: event 5 is missing", "audit row 6: its hash does not fit; the row or event None was changed"],
    );
}

#[test]
fn two_rows_that_changed_places_are_named() {
    let swap = "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3;
                UPDATE audit SET seq = 3 WHERE seq = 99";
    check(
        swap,
        &[
            "audit row 2: its hash does not fit; the row or event None was changed",
            "audit row 3: its hash does not fit; the row or event Some(2) was changed",
            "audit row 4: its hash does not fit; the row or event Some(3) was changed",
        ],
    );
}

#[test]
fn an_event_slipped_in_is_named() {
    check(
        "INSERT INTO events (seq, committed_at, kind, subject, json) VALUES (6, 1, 1, 1, '{}')",
        &["1 events have no audit row; the first is event 6"],
    );
}

#[test]
fn a_cut_end_is_found_by_a_head_kept_elsewhere() {
    on_both(|location| {
        filled(location);
        let report: Report = verify(location, None).expect("walks");
        let head = (report.head.seq, report.head.hash);
        assert!(verify(location, Some(head)).expect("walks").is_sound());
        open(location).batch("DELETE FROM audit WHERE seq = 6; DELETE FROM events WHERE seq = 5").expect("cuts");
        assert!(verify(location, None).expect("walks").is_sound());
        assert!(!verify(location, Some(head)).expect("walks").is_sound());
    });
}

/// Every byte of the journal's pages that holds audit or event content, flipped one at a time, is either found or
/// was not content: the rows read back the same.
#[test]
fn a_flipped_byte_of_the_file_is_found() {
    let place = sqlite();
    filled(&place.location);
    let Location::Sqlite(folder) = &place.location else { return };
    open(&place.location).batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("checkpoints");
    let file = journal::database_file(folder);
    let whole = std::fs::read(&file).expect("reads");
    let content: Vec<usize> = (0..whole.len()).filter(|i| whole[*i..].starts_with(b"{\"a\":1}")).collect();
    assert_eq!(content.len(), 5, "the five frames lie in the file");
    for position in content.into_iter().flat_map(|start| start..start + 7) {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        std::fs::write(&file, &damaged).expect("writes");
        let sound = verify(&place.location, None).is_ok_and(|report| report.is_sound());
        assert!(!sound, "byte {position} was flipped and nothing noticed");
    }
}
