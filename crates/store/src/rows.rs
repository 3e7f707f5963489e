//! The rows of a commit: inputs, events, state, audit, outbox.

use model::Time;

use crate::audit::{AuditRow, Head, Vouched};
use crate::journal::{AuditNote, Counters};
use crate::redo::Body;
use crate::{Commit, Database, FactRow, Param, SqlError, Subject};

/// All rows of one commit.
pub(crate) fn insert(
    db: &mut Database,
    counters: &mut Counters,
    commit: &Commit<'_>,
    at: Time,
) -> Result<(), SqlError> {
    if !commit.inputs.is_empty() {
        counters.input += 1;
        insert_inputs(db, counters.input, (commit.inputs.last_now(), commit.inputs.bytes()))?;
    }
    for fact in commit.facts {
        counters.fact = fact.seq;
        insert_fact(db, &mut counters.audit, fact, at)?;
    }
    Ok(())
}

/// What a record of the redo log holds and the tables do not.
pub(crate) fn redo(db: &mut Database, counters: &mut Counters, body: &Body<'_>) -> Result<(), SqlError> {
    if !body.inputs.is_empty() && body.input_seq > counters.input {
        counters.input = body.input_seq;
        insert_inputs(db, counters.input, (Time(body.heard), body.inputs))?;
    }
    for fact in body.facts.iter().filter(|f| f.seq > counters.fact) {
        insert_fact(db, &mut counters.audit, fact, Time(body.committed_at))?;
    }
    counters.fact = body.facts.last().map_or(counters.fact, |f| f.seq.max(counters.fact));
    Ok(())
}

fn insert_inputs(db: &mut Database, seq: u64, (heard, bytes): (Time, &[u8])) -> Result<(), SqlError> {
    let crc = i64::from(crc32c::crc32c(bytes));
    let params = [Param::Int(seq as i64), Param::Int(heard.0), Param::Int(crc), Param::Blob(bytes)];
    db.execute("INSERT INTO inputs (seq, heard, crc, records) VALUES ($1, $2, $3, $4)", &params).map(|_| ())
}

pub(crate) fn insert_names(
    db: &mut Database,
    sql: &'static str,
    names: &[&str],
    next: &mut u64,
) -> Result<(), SqlError> {
    for name in names {
        db.execute(sql, &[Param::Int(*next as i64), Param::Text(name)])?;
        *next += 1;
    }
    Ok(())
}

fn insert_fact(db: &mut Database, head: &mut Head, fact: &FactRow<'_>, now: Time) -> Result<(), SqlError> {
    let previous = previous_event(db, &fact.subject)?;
    let event = Vouched {
        seq: fact.seq as i64,
        committed_at: now.0,
        kind: fact.subject.kind(),
        subject: fact.subject.id(),
        previous,
        json: fact.json,
    };
    db.execute(
        "INSERT INTO events (seq, committed_at, kind, subject, previous, json) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            Param::Int(event.seq),
            Param::Int(event.committed_at),
            Param::Int(event.kind),
            Param::Int(event.subject),
            Param::from(previous),
            Param::Text(event.json),
        ],
    )?;
    upsert_state(db, fact)?;
    let subject = fact.subject.to_string();
    let (account, action) = (fact.account, &*fact.action);
    let row = AuditRow {
        seq: head.seq + 1,
        at: fact.at.0,
        account,
        action,
        subject: &subject,
        detail: "",
        event: Some(event),
    };
    insert_audit(db, head, &row)?;
    if let Some(topic) = fact.outbox_topic {
        let params = [Param::Int(event.seq), Param::Text(topic)];
        db.execute("INSERT INTO outbox (fact, topic) VALUES ($1, $2)", &params)?;
    }
    Ok(())
}

/// The event before this one of the same alarm or item: its history is a chain, which needs no index.
fn previous_event(db: &mut Database, subject: &Subject<'_>) -> Result<Option<i64>, SqlError> {
    let sql = match subject {
        Subject::Alarm { .. } => "SELECT seq FROM alarms WHERE id = $1",
        Subject::Work(work) => return crate::work::last_event(db, work.id),
        Subject::Notice | Subject::Exercise => return Ok(None),
    };
    db.row(sql, &[Param::Int(subject.id())], |row| row.int(0))
}

fn upsert_state(db: &mut Database, fact: &FactRow<'_>) -> Result<(), SqlError> {
    match fact.subject {
        Subject::Alarm { id, closed, tag, priority, raised_at, enterprise } => db.execute(
            "INSERT INTO alarms (id, seq, closed, tag, priority, raised_at, enterprise)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, closed = excluded.closed, priority = excluded.priority",
            &[
                Param::Int(id.0 as i64),
                Param::Int(fact.seq as i64),
                Param::Int(i64::from(closed)),
                Param::Int(i64::from(tag.0)),
                Param::Int(priority as i64),
                Param::Int(raised_at.0),
                Param::Text(enterprise),
            ],
        ),
        Subject::Work(work) => return crate::work::upsert(db, fact.seq as i64, &work),
        Subject::Notice | Subject::Exercise => Ok(0),
    }
    .map(|_| ())
}

pub(crate) fn insert_note(db: &mut Database, head: &mut Head, note: &AuditNote<'_>, now: Time) -> Result<(), SqlError> {
    let AuditNote { account, action, subject, detail } = *note;
    // What strangers send ends up here, and PostgreSQL takes no U+0000 in a text.
    let [account, subject, detail] = [account, subject, detail].map(printable);
    let (account, subject, detail) = (&*account, &*subject, &*detail);
    let row = AuditRow { seq: head.seq + 1, at: now.0, account, action, subject, detail, event: None };
    insert_audit(db, head, &row)
}

pub(crate) fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "␀").into() } else { text.into() }
}

fn insert_audit(db: &mut Database, head: &mut Head, row: &AuditRow<'_>) -> Result<(), SqlError> {
    let hash = row.hash(&head.hash);
    db.execute(
        "INSERT INTO audit (seq, at, fact, account, action, subject, detail, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            Param::Int(row.seq as i64),
            Param::Int(row.at),
            Param::from(row.event.map(|e| e.seq)),
            Param::Text(row.account),
            Param::Text(row.action),
            Param::Text(row.subject),
            Param::Text(row.detail),
            Param::Blob(&hash),
        ],
    )?;
    *head = Head { seq: row.seq, hash, at: Time(row.at) };
    Ok(())
}
