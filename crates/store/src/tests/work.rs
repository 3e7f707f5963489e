//! The ledger on both engines: filters, pages, counts, histories, and what survives the step from version 1.

use model::Time;
use response::{ItemId, Kind, WorkFilter};

use super::engines::on_both;
use crate::{Commit, Database, FactRow, GroupBy, InputLog, Journal, Location, Reader, Subject, WorkColumns};

const DAY: i64 = 86_400_000_000;

const ORDER: ItemId = ItemId { kind: Kind::Order, number: 1 };

fn danger_id(number: u64) -> ItemId {
    ItemId { kind: Kind::HiddenDanger, number }
}

fn danger(number: u64, state: &'static str, town: &'static str, title: &'static str) -> WorkColumns<'static> {
    WorkColumns {
        state,
        ended: state == "closed",
        provenance: "real",
        town,
        title,
        due: Some(Time(10 * DAY)),
        created_at: Time(DAY),
        ended_at: (state == "closed").then_some(Time(4 * DAY)),
        ..WorkColumns::new(ItemId { kind: Kind::HiddenDanger, number })
    }
}

fn filled(location: &Location) -> (Journal, Reader) {
    let (mut journal, _) = Journal::open(location).expect("opens");
    let order =
        WorkColumns { id: ORDER, receiver: "brigade-1", parent: "X-000001", ..danger(1, "issued", "", "到场") };
    let rows = [
        danger(1, "reported", "north", "Valve_leaks 50%"),
        danger(2, "reported", "south", "valve drips"),
        order,
        danger(1, "assigned", "north", "Valve_leaks 50%"),
        WorkColumns { overdue: true, ..danger(1, "assigned", "north", "Valve_leaks 50%") },
        WorkColumns { due: None, ..danger(1, "closed", "north", "Valve_leaks 50%") },
        WorkColumns { recurrence_of: "H-000001", ..danger(3, "reported", "north", "valve again") },
    ];
    let facts: Vec<FactRow<'_>> = (1..).zip(rows).map(|(seq, w)| row(seq, w)).collect();
    journal.commit(&Commit { inputs: &InputLog::new(), facts: &facts }).expect("commits");
    (journal, Reader::open(location).expect("opens"))
}

fn row(seq: u64, work: WorkColumns<'static>) -> FactRow<'static> {
    let subject = Subject::Work(work);
    let json = r#"{"type":"work"}"#;
    FactRow { seq, at: Time(7), subject, json, account: "duty", action: "x".into(), outbox_topic: None }
}

fn dangers() -> WorkFilter {
    WorkFilter { kind: Some(Kind::HiddenDanger), limit: 100, ..WorkFilter::default() }
}

#[test]
fn h2_the_ledger_filters_and_pages() {
    on_both(|location| {
        let (_journal, mut reader) = filled(location);
        let mut check = |filter: WorkFilter, total: u64, seqs: &[u64]| {
            let (found, rows) = reader.work(&filter, Time(11 * DAY)).expect("reads");
            let got: Vec<u64> = rows.iter().map(|r| r.seq).collect();
            assert_eq!((found, got.as_slice()), (total, seqs), "{filter:?}");
        };
        check(dangers(), 3, &[7, 2, 6]);
        check(WorkFilter { limit: 10, ..WorkFilter::default() }, 4, &[7, 3, 2, 6]);
        check(WorkFilter { town: "north".into(), ..dangers() }, 2, &[7, 6]);
        check(WorkFilter { open: Some(true), ..dangers() }, 2, &[7, 2]);
        check(WorkFilter { open: Some(false), ..dangers() }, 1, &[6]);
        check(WorkFilter { state: "closed".into(), ..dangers() }, 1, &[6]);
        check(WorkFilter { limit: 1, ..dangers() }, 3, &[7]);
        check(WorkFilter { before: Some(danger_id(3)), ..dangers() }, 3, &[2, 6]);
        check(WorkFilter { before: Some(danger_id(99)), ..dangers() }, 3, &[]);
        check(WorkFilter { text: "VALVE".into(), ..dangers() }, 3, &[7, 2, 6]);
        check(WorkFilter { text: "e_l".into(), ..dangers() }, 1, &[6]);
        check(WorkFilter { text: "50%".into(), ..dangers() }, 1, &[6]);
        check(WorkFilter { text: "'; DROP TABLE work; --".into(), ..dangers() }, 0, &[]);
        check(WorkFilter { receiver: "brigade-1".into(), limit: 9, ..WorkFilter::default() }, 1, &[3]);
        // 1 was told overdue; 2, 3 and their deadline of day 10 have passed by day 11.
        check(WorkFilter { overdue: Some(true), ..dangers() }, 3, &[7, 2, 6]);
        check(WorkFilter { overdue: Some(false), ..dangers() }, 0, &[]);
        let (before, _) = reader.work(&WorkFilter { overdue: Some(true), ..dangers() }, Time(9 * DAY)).expect("reads");
        assert_eq!(before, 1, "on day 9 only what was told overdue");
    });
}

#[test]
fn h5_rates_by_town() {
    on_both(|location| {
        let (_journal, mut reader) = filled(location);
        let groups = reader.work_groups(&dangers(), GroupBy::Town, Time(9 * DAY)).expect("counts");
        let shown: Vec<_> = groups
            .iter()
            .map(|g| (g.key.as_str(), g.total, g.open, g.overdue, g.closed, g.mean_days, g.recurrences))
            .collect();
        assert_eq!(shown, [("north", 2, 1, 1, 1, Some(3.0), 1), ("south", 1, 1, 0, 0, None, 0)]);
        for by in [GroupBy::Industry, GroupBy::Enterprise, GroupBy::Source, GroupBy::Grade, GroupBy::Category] {
            assert_eq!(reader.work_groups(&dangers(), by, Time(0)).expect("counts").len(), 1);
        }
        assert_eq!(reader.work_groups(&dangers(), GroupBy::State, Time(0)).expect("counts").len(), 2);
    });
}

#[test]
fn an_item_has_its_history_and_its_children() {
    on_both(|location| {
        let (_journal, mut reader) = filled(location);
        let seqs = |rows: Vec<crate::EventRow>| rows.into_iter().map(|r| r.seq).collect::<Vec<_>>();
        assert_eq!(seqs(reader.work_history(danger_id(1), 100).expect("reads")), [1, 4, 5, 6]);
        assert_eq!(seqs(reader.work_history(danger_id(1), 2).expect("reads")), [5, 6], "the newest two");
        assert_eq!(seqs(reader.work_history(ORDER, 100).expect("reads")), [3]);
        assert_eq!(reader.work_item(ORDER).expect("reads").map(|r| r.seq), Some(3));
        assert_eq!(reader.work_item(ItemId { number: 2, ..ORDER }).expect("reads"), None);
        assert_eq!(reader.work_children("X-000001").expect("reads"), [ORDER]);
        assert_eq!(seqs(reader.events_between(2, 5, 2).expect("reads")), [4, 3]);
        let committed = reader.events_since(0, 1).expect("reads")[0].committed_at;
        assert_eq!(reader.first_seq_at(committed).expect("searches"), 1);
        assert_eq!(reader.first_seq_at(committed.plus_s(1.0)).expect("searches"), 8);
        assert_eq!(reader.first_seq_at(Time(0)).expect("searches"), 1);
    });
}

#[test]
fn a_refused_change_of_records_does_not_stop_the_journal() {
    on_both(|location| {
        let (mut journal, mut reader) = filled(location);
        let head = journal.audit_head();
        let note = crate::AuditNote { account: "x", action: "x", subject: "x", detail: "" };
        let twice = |db: &mut Database| {
            db.batch("INSERT INTO schema_version (version) VALUES (77)")?;
            db.batch("INSERT INTO tags (id, enterprise, name) VALUES (1, 'a', 'b'), (1, 'a', 'b')")
        };
        let refused = journal.apply(&[note], twice);
        assert!(matches!(refused, Err(crate::StoreError::Refused { .. })), "{refused:?}");
        assert_eq!(journal.audit_head(), head);
        let absent = journal.apply(&[note], |db| db.batch("DELETE FROM no_such_table"));
        assert!(matches!(absent, Err(crate::StoreError::Refused { .. })), "{absent:?}");
        let versions = |r: &mut Reader| r.database().row("SELECT COUNT(*) FROM schema_version", &[], |row| row.int(0));
        assert_eq!(versions(&mut reader).expect("reads"), Some(1), "the first statement was rolled back");
        journal.audit(&[note]).expect("still writes");
        journal
            .commit(&Commit { inputs: &InputLog::new(), facts: &[row(8, danger(4, "reported", "", ""))] })
            .expect("commits");
    });
}

#[test]
fn a_nul_in_a_text_stops_nothing() {
    on_both(|location| {
        let (mut journal, mut reader) = filled(location);
        let odd = WorkColumns { tag: "a/\0", owner: "\0", ..danger(9, "reported", "no\0th", "t\0") };
        journal.commit(&Commit { inputs: &InputLog::new(), facts: &[row(8, odd)] }).expect("commits");
        assert_eq!(reader.work(&WorkFilter { text: "t␀".into(), ..dangers() }, Time(0)).expect("reads").0, 1);
    });
}

/// Data of version 1 keeps its orders.
#[test]
fn orders_of_version_1_are_in_the_ledger() {
    on_both(|location| {
        let (file, mut old) = match location {
            Location::Sqlite(folder) => {
                let file = crate::journal::database_file(folder);
                (include_str!("../sql/0001.sqlite.sql"), Database::open_sqlite(&file, 4096, false).expect("opens"))
            }
            Location::Postgres(url) => {
                (include_str!("../sql/0001.postgres.sql"), Database::open_postgres(url).expect("connects"))
            }
        };
        old.batch(file).expect("makes version 1");
        old.batch(
            "INSERT INTO schema_version (version) VALUES (1);
             INSERT INTO events (seq, committed_at, kind, subject, previous, json) VALUES (1, 5, 2, 7, NULL, 'one');
             INSERT INTO orders (id, seq, closed, alarm) VALUES (7, 1, 0, 12), (8, 1, 1, NULL)",
        )
        .expect("fills");
        drop(old);
        drop(Journal::open(location).expect("migrates"));
        let mut reader = Reader::open(location).expect("opens");
        assert_eq!(
            reader.work_item(ItemId { number: 7, ..ORDER }).expect("reads").map(|r| r.json),
            Some("one".to_owned())
        );
        let of_alarm = WorkFilter { alarm: "A-000012".into(), limit: 9, ..WorkFilter::default() };
        assert_eq!(reader.work(&of_alarm, Time(0)).expect("reads").0, 1);
    });
}
