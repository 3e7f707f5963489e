//! Reader, outbox and the small tables, on both engines.

use model::{Role, Time};

use super::engines::on_both;
use super::journal::fact;
use crate::accounts::{Account, Purpose, Token};
use crate::mqtt_sessions::MqttSession;
use crate::pending_tags::PendingTag;
use crate::{
    AlarmFilter, AuditNote, Commit, EventRow, InputLog, Journal, Location, Reader, accounts, mqtt_sessions, outbox,
    pending_tags,
};

/// Alarms 1 to 4; 2 and 4 closed, 3 and 4 of the enterprise `west`; alarm 1 has three events.
fn filled(location: &Location) -> (Journal, Reader) {
    let (mut journal, _) = Journal::open(location).expect("opens");
    let mut facts = Vec::new();
    for (seq, alarm) in (1..).zip([1, 2, 3, 4, 1, 2, 1, 4]) {
        let mut row = fact(seq, alarm, r#"{"type":"alarm"}"#);
        if let crate::Subject::Alarm { closed, enterprise, .. } = &mut row.subject {
            *closed = alarm % 2 == 0;
            *enterprise = if alarm > 2 { "west" } else { "east" };
        }
        facts.push(row);
    }
    journal.commit(&Commit { inputs: &InputLog::new(), facts: &facts }).expect("commits");
    (journal, Reader::open(location).expect("opens"))
}

fn seqs(rows: Vec<EventRow>) -> Vec<u64> {
    rows.into_iter().map(|row| row.seq).collect()
}

#[test]
fn the_reader_pages_filters_and_follows_an_alarm() {
    on_both(|location| {
        let (_journal, mut reader) = filled(location);
        assert_eq!(reader.oldest_seq().expect("reads"), Some(1));
        assert_eq!(seqs(reader.events_since(5, 2).expect("reads")), [6, 7]);
        assert_eq!(seqs(reader.alarm_history(1).expect("reads")), [1, 5, 7]);
        let check = |reader: &mut Reader, filter: AlarmFilter, expected: &[u64]| {
            assert_eq!(seqs(reader.alarms(&filter).expect("reads")), expected, "{filter:?}");
        };
        let all = AlarmFilter { limit: 10, ..AlarmFilter::default() };
        check(&mut reader, all.clone(), &[8, 3, 6, 7]);
        check(&mut reader, AlarmFilter { closed: Some(true), ..all.clone() }, &[8, 6]);
        check(&mut reader, AlarmFilter { closed: Some(false), ..all.clone() }, &[3, 7]);
        check(&mut reader, AlarmFilter { enterprise: Some("west".into()), ..all.clone() }, &[8, 3]);
        check(&mut reader, AlarmFilter { before: Some(3), ..all.clone() }, &[6, 7]);
        check(&mut reader, AlarmFilter { priority: Some(model::Priority::I), ..all.clone() }, &[]);
        check(&mut reader, AlarmFilter { limit: 1, ..all }, &[8]);
        assert_eq!(reader.audit_head().expect("reads").seq, 8);
        assert_eq!(reader.audit_page(Some(3), 10).expect("reads").len(), 2);
    });
}

#[test]
fn an_outbox_row_waits_until_it_is_done() {
    on_both(|location| {
        let (mut journal, mut reader) = filled(location);
        let waiting = outbox::waiting(reader.database(), 0, 100).expect("reads");
        assert_eq!(waiting.len(), 8);
        assert_eq!((waiting[0].topic.as_str(), waiting[0].fact), ("out", 1));
        journal.apply(&[], |db| outbox::done(db, &[1, 2, 3])).expect("applies");
        assert_eq!(outbox::waiting(reader.database(), 0, 100).expect("reads")[0].fact, 4);
    });
}

#[test]
fn accounts_and_tokens_keep_what_was_saved() {
    on_both(|location| {
        let (mut journal, mut reader) = filled(location);
        let account = Account {
            account: "wang".into(),
            name: "王值班".into(),
            role: Role::DutyOfficer,
            password_hash: "$argon2id$".into(),
            disabled: false,
        };
        let token = |hash: &str, purpose, expires_at| Token {
            hash: hash.into(),
            account: "wang".into(),
            purpose,
            created_at: Time(1),
            expires_at,
            role: (purpose == Purpose::Machine).then_some(Role::ReadOnly),
            party: String::new(),
            label: "siren".into(),
        };
        let session = token("a", Purpose::Session, Some(Time(100)));
        let machine = token("b", Purpose::Machine, None);
        let note = AuditNote { account: "system", action: "account.changed", subject: "wang", detail: "" };
        journal
            .apply(&[note], |db| {
                accounts::save(db, &account)?;
                accounts::save_token(db, &session)?;
                accounts::save_token(db, &machine)
            })
            .expect("applies");
        let db = reader.database();
        assert_eq!(accounts::find(db, "wang").expect("reads"), Some(account.clone()));
        assert_eq!(accounts::all(db).expect("reads"), [account]);
        assert_eq!(accounts::tokens(db, Time(99)).expect("reads"), [session.clone(), machine.clone()]);
        assert_eq!(accounts::tokens(db, Time(100)).expect("reads"), [machine]);
        assert_eq!(accounts::find_token(db, "a", Time(5)).expect("reads"), Some(session));
        journal.apply(&[], |db| accounts::remove_token(db, "a")).expect("applies");
        assert_eq!(accounts::find_token(reader.database(), "a", Time(5)).expect("reads"), None);
        assert_eq!(reader.audit_head().expect("reads").seq, 9);
    });
}

#[test]
fn sessions_and_parked_tags_keep_what_was_saved() {
    on_both(|location| {
        let (mut journal, mut reader) = filled(location);
        let session = MqttSession { client: "gw".into(), expires_at: Some(Time(50)), record: vec![0, 255, 7] };
        let tag = PendingTag {
            enterprise: "east".into(),
            tag: "new".into(),
            offered: 3,
            first_at: Time(1),
            last_at: Time(2),
            last_value: 0.1 + 0.2,
        };
        journal
            .apply(&[], |db| {
                mqtt_sessions::save(db, &session)?;
                pending_tags::add(db, &tag)?;
                pending_tags::add(db, &PendingTag { last_at: Time(9), ..tag.clone() })
            })
            .expect("applies");
        assert_eq!(mqtt_sessions::all(reader.database(), Time(49)).expect("reads"), [session]);
        assert_eq!(mqtt_sessions::all(reader.database(), Time(50)).expect("reads"), []);
        let parked = pending_tags::all(reader.database(), 10).expect("reads");
        assert_eq!(parked, [PendingTag { offered: 6, last_at: Time(9), ..tag }]);
        journal.apply(&[], |db| pending_tags::remove(db, "east", "new")).expect("applies");
        assert_eq!(pending_tags::all(reader.database(), 10).expect("reads"), []);
    });
}
