//! Reads what was committed, over a connection of its own: for blocking threads of the API, beside the writer.

use model::{Priority, Time};

use crate::audit::{Head, hex};
use crate::{Database, Location, Param, Row, SqlError, StoreError, Subject, journal, recovery};

/// Most rows one call returns, whatever is asked for.
pub const ROWS_MAX: u64 = 10_000;

/// A read connection.
pub struct Reader {
    database: Database,
}

/// One committed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its number in the stream.
    pub seq: u64,
    /// When it was committed.
    pub committed_at: Time,
    /// The WebSocket frame without `committed_at`.
    pub json: String,
}

/// Which alarms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmFilter {
    /// Only closed (true) or open (false) ones; none: all.
    pub closed: Option<bool>,
    /// Only of this enterprise.
    pub enterprise: Option<String>,
    /// Only of this priority.
    pub priority: Option<Priority>,
    /// Only with ids below this: the paging cursor.
    pub before: Option<u64>,
    /// How many; at most `ROWS_MAX`.
    pub limit: u64,
}

/// One row of the audit, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number.
    pub seq: u64,
    /// When it happened.
    pub at: Time,
    /// The fact it vouches for.
    pub fact: Option<u64>,
    /// Who.
    pub account: String,
    /// What.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Anything else.
    pub detail: String,
    /// Its hash, hexadecimal.
    pub hash: String,
}

impl Reader {
    /// Opens a read connection; the journal must have been opened once.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let database = match location {
            Location::Sqlite(folder) => Database::open_sqlite(&journal::database_file(folder), 0, true)?,
            Location::Postgres(url) => Database::open_postgres(url)?,
        };
        Ok(Self { database })
    }

    /// Number of the oldest event kept; none if there is none.
    pub fn oldest_seq(&mut self) -> Result<Option<u64>, StoreError> {
        let oldest = self.database.row("SELECT MIN(seq) FROM events", &[], |row| row.opt_int(0));
        Ok(oldest.map_err(StoreError::sql("read the oldest event"))?.flatten().map(|seq| seq as u64))
    }

    /// Events after `seq`, in order.
    pub fn events_since(&mut self, seq: u64, limit: u64) -> Result<Vec<EventRow>, StoreError> {
        let sql = "SELECT seq, committed_at, json FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";
        let params = [Param::Int(seq as i64), limited(limit)];
        self.database.rows(sql, &params, event).map_err(StoreError::sql("read events"))
    }

    /// The newest notices, newest first.
    pub fn notices(&mut self, limit: u64) -> Result<Vec<EventRow>, StoreError> {
        let sql = "SELECT seq, committed_at, json FROM events WHERE kind = $1 ORDER BY seq DESC LIMIT $2";
        let params = [Param::Int(Subject::Notice.kind()), limited(limit)];
        self.database.rows(sql, &params, event).map_err(StoreError::sql("read notices"))
    }

    /// The last event of each alarm that fits the filter, newest alarm first.
    pub fn alarms(&mut self, filter: &AlarmFilter) -> Result<Vec<EventRow>, StoreError> {
        let sql = "SELECT e.seq, e.committed_at, e.json FROM alarms a JOIN events e ON e.seq = a.seq
            WHERE a.id < $1 AND a.closed >= $2 AND a.closed <= $3 AND a.priority >= $4 AND a.priority <= $5
            AND ($6 = '' OR a.enterprise = $6) ORDER BY a.id DESC LIMIT $7";
        let (closed_min, closed_max) = filter.closed.map_or((0, 1), |c| (i64::from(c), i64::from(c)));
        let (priority_min, priority_max) = filter.priority.map_or((0, 9), |p| (p as i64, p as i64));
        let params = [
            Param::Int(filter.before.map_or(i64::MAX, |id| id as i64)),
            Param::Int(closed_min),
            Param::Int(closed_max),
            Param::Int(priority_min),
            Param::Int(priority_max),
            Param::Text(filter.enterprise.as_deref().unwrap_or("")),
            limited(filter.limit),
        ];
        self.database.rows(sql, &params, event).map_err(StoreError::sql("read alarms"))
    }

    /// Every event of one alarm, oldest first: at most the newest `ROWS_MAX`.
    pub fn alarm_history(&mut self, alarm: u64) -> Result<Vec<EventRow>, StoreError> {
        let sql = "WITH RECURSIVE life(seq, committed_at, json, previous) AS (
              SELECT e.seq, e.committed_at, e.json, e.previous FROM alarms a JOIN events e ON e.seq = a.seq
              WHERE a.id = $1
              UNION ALL
              SELECT e.seq, e.committed_at, e.json, e.previous FROM life JOIN events e ON e.seq = life.previous)
            SELECT seq, committed_at, json FROM life ORDER BY seq DESC LIMIT $2";
        let params = [Param::Int(alarm as i64), limited(ROWS_MAX)];
        let mut rows = self.database.rows(sql, &params, event).map_err(StoreError::sql("read an alarm's history"))?;
        rows.reverse();
        Ok(rows)
    }

    /// The newest row of the audit chain.
    pub fn audit_head(&mut self) -> Result<Head, StoreError> {
        recovery::audit_head(&mut self.database).map_err(StoreError::sql("read the audit head"))
    }

    /// Audit rows before number `before` (none: from the newest), newest first.
    pub fn audit_page(&mut self, before: Option<u64>, limit: u64) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT seq, at, fact, account, action, subject, detail, hash FROM audit
            WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
        let params = [Param::Int(before.map_or(i64::MAX, |seq| seq as i64)), limited(limit)];
        self.database.rows(sql, &params, entry).map_err(StoreError::sql("read the audit"))
    }

    /// The connection, for the repositories that only read.
    pub fn database(&mut self) -> &mut Database {
        &mut self.database
    }
}

fn limited(limit: u64) -> Param<'static> {
    Param::Int(limit.min(ROWS_MAX) as i64)
}

pub(crate) fn event(row: &Row<'_>) -> Result<EventRow, SqlError> {
    Ok(EventRow { seq: row.int(0)? as u64, committed_at: Time(row.int(1)?), json: row.text(2)?.to_owned() })
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, SqlError> {
    Ok(AuditEntry {
        seq: row.int(0)? as u64,
        at: Time(row.int(1)?),
        fact: row.opt_int(2)?.map(|fact| fact as u64),
        account: row.text(3)?.to_owned(),
        action: row.text(4)?.to_owned(),
        subject: row.text(5)?.to_owned(),
        detail: row.text(6)?.to_owned(),
        hash: hex(row.blob(7)?),
    })
}
