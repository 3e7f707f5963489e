//! Reading the ledger: filters, pages, counts by group, the life of an item. One portable SQL text, put together from
//! the program's own parts; what people typed goes into parameters only.

use model::Time;
use response::{ItemId, Kind, WorkFilter};

use crate::database::Built;
use crate::reader::{ROWS_MAX, event};
use crate::{EventRow, Param, Reader, Row, SqlError, StoreError};

/// Groups one aggregate returns at most.
const GROUPS_MAX: i64 = 1_000;

/// What to count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Town.
    Town,
    /// Industry.
    Industry,
    /// Enterprise.
    Enterprise,
    /// Source.
    Source,
    /// Grade.
    Grade,
    /// State.
    State,
    /// Category.
    Category,
    /// Kind.
    Kind,
}

/// Counts of one group (domain.md H5).
#[derive(Clone, Debug, PartialEq)]
pub struct WorkGroup {
    /// The town, industry, ….
    pub key: String,
    /// All items.
    pub total: u64,
    /// Not ended.
    pub open: u64,
    /// Of all, those whose deadline passed before they ended or before now.
    pub overdue: u64,
    /// Ended.
    pub closed: u64,
    /// Mean time from made to ended, days; none: none ended.
    pub mean_days: Option<f64>,
    /// Of all, those that repeat an earlier one.
    pub recurrences: u64,
}

const OVERDUE: &str = "(w.overdue = 1 OR (w.due IS NOT NULL AND w.due < COALESCE(w.ended_at, ?)))";

/// A statement with its parameters, built together so that they cannot come apart.
struct Statement<'a> {
    sql: Built,
    params: Vec<Param<'a>>,
}

impl<'a> Statement<'a> {
    fn new(text: &'static str) -> Self {
        Self { sql: Built::default().with(text), params: Vec::new() }
    }

    fn push(&mut self, part: &'static str, params: &[Param<'a>]) {
        self.sql = std::mem::take(&mut self.sql).with(part);
        self.params.extend_from_slice(params);
    }

    fn equal(&mut self, part: &'static str, value: &'a str) {
        if !value.is_empty() {
            self.push(part, &[Param::Text(value)]);
        }
    }

    /// Everything of a filter but its cursor and limit.
    fn narrow(&mut self, filter: &'a WorkFilter, like: &'a str, now: Time) {
        self.equal(" AND w.kind = ?", filter.kind.map_or("", Kind::name));
        self.equal(" AND w.state = ?", &filter.state);
        self.equal(" AND w.provenance = ?", &filter.provenance);
        self.equal(" AND w.enterprise = ?", &filter.enterprise);
        self.equal(" AND w.town = ?", &filter.town);
        self.equal(" AND w.industry = ?", &filter.industry);
        self.equal(" AND w.grade = ?", &filter.grade);
        self.equal(" AND w.source = ?", &filter.source);
        self.equal(" AND w.category = ?", &filter.category);
        self.equal(" AND w.receiver = ?", &filter.receiver);
        self.equal(" AND w.owner = ?", &filter.owner);
        self.equal(" AND w.parent = ?", &filter.parent);
        self.equal(" AND w.alarm = ?", &filter.alarm);
        self.equal(" AND LOWER(w.title) LIKE ? ESCAPE '\\'", like);
        if let Some(open) = filter.open {
            self.push(" AND w.ended = ?", &[Param::Int(i64::from(!open))]);
        }
        if let Some(overdue) = filter.overdue {
            self.push(if overdue { " AND " } else { " AND NOT " }, &[]);
            self.push(OVERDUE, &[Param::Int(now.0)]);
        }
    }
}

/// The pattern of a text that people typed: its own `%` and `_` mean themselves.
fn like(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

impl Reader {
    /// How many items fit the filter, and the last event of each on the page, newest item first.
    pub fn work(&mut self, filter: &WorkFilter, now: Time) -> Result<(u64, Vec<EventRow>), StoreError> {
        let failed = StoreError::sql("read the ledger");
        let pattern = like(&filter.text);
        let limit = filter.limit.min(ROWS_MAX);
        let mut page = Statement::new(
            "SELECT e.seq, e.committed_at, e.json FROM work w JOIN events e ON e.seq = w.seq WHERE 1 = 1",
        );
        page.narrow(filter, &pattern, now);
        if let Some(before) = filter.before {
            let below = " AND w.first_seq < (SELECT b.first_seq FROM work b WHERE b.kind = ? AND b.number = ?)";
            page.push(below, &[Param::Text(before.kind.name()), Param::Int(before.number as i64)]);
        }
        page.push(" ORDER BY w.first_seq DESC LIMIT ?", &[Param::Int(limit as i64)]);
        let rows = self.database().rows_built(&page.sql, &page.params, event).map_err(&failed)?;
        // A first page that is not full is all there is: a second search would find the same.
        if filter.before.is_none() && (rows.len() as u64) < limit {
            return Ok((rows.len() as u64, rows));
        }
        let mut count = Statement::new("SELECT COUNT(*) FROM work w WHERE 1 = 1");
        count.narrow(filter, &pattern, now);
        let total = self.database().rows_built(&count.sql, &count.params, |row| row.int(0)).map_err(&failed)?;
        Ok((total.first().map_or(0, |n| *n as u64), rows))
    }

    /// Counts by group, the largest group first.
    pub fn work_groups(&mut self, filter: &WorkFilter, by: GroupBy, now: Time) -> Result<Vec<WorkGroup>, StoreError> {
        let pattern = like(&filter.text);
        let mut statement = Statement::new("SELECT ");
        statement.push(by.column(), &[]);
        statement.push(", COUNT(*), COUNT(*) FILTER (WHERE w.ended = 1), COUNT(*) FILTER (WHERE ", &[]);
        statement.push(OVERDUE, &[Param::Int(now.0)]);
        statement.push(
            "), AVG(CAST(w.ended_at - w.created_at AS DOUBLE PRECISION)), COUNT(*) FILTER (WHERE w.recurrence_of <> '')
             FROM work w WHERE 1 = 1",
            &[],
        );
        statement.narrow(filter, &pattern, now);
        statement.push(" GROUP BY ", &[]);
        statement.push(by.column(), &[]);
        statement.push(" ORDER BY 2 DESC, 1 LIMIT ?", &[Param::Int(GROUPS_MAX)]);
        let rows = self.database().rows_built(&statement.sql, &statement.params, group);
        rows.map_err(StoreError::sql("count the ledger"))
    }

    /// The last event of one item.
    pub fn work_item(&mut self, id: ItemId) -> Result<Option<EventRow>, StoreError> {
        let sql = "SELECT e.seq, e.committed_at, e.json FROM work w JOIN events e ON e.seq = w.seq
            WHERE w.kind = $1 AND w.number = $2";
        let params = [Param::Text(id.kind.name()), Param::Int(id.number as i64)];
        self.database().row(sql, &params, event).map_err(StoreError::sql("read an item"))
    }

    /// The newest `limit` events of one item, oldest first; at most `ROWS_MAX`.
    pub fn work_history(&mut self, id: ItemId, limit: u64) -> Result<Vec<EventRow>, StoreError> {
        let sql = "WITH RECURSIVE life(seq, committed_at, json, previous, depth) AS (
              SELECT e.seq, e.committed_at, e.json, e.previous, CAST(1 AS BIGINT) FROM work w JOIN events e ON e.seq = w.seq
              WHERE w.kind = $1 AND w.number = $2
              UNION ALL
              SELECT e.seq, e.committed_at, e.json, e.previous, life.depth + 1
              FROM life JOIN events e ON e.seq = life.previous WHERE life.depth < $3)
            SELECT seq, committed_at, json FROM life ORDER BY seq";
        let limit = limit.clamp(1, ROWS_MAX) as i64;
        let params = [Param::Text(id.kind.name()), Param::Int(id.number as i64), Param::Int(limit)];
        self.database().rows(sql, &params, event).map_err(StoreError::sql("read an item's history"))
    }

    /// Number of the first event committed at or after `at`. The journal's clock rarely goes back and its numbers never
    /// do, so a search by halves over the key needs no index of times.
    pub fn first_seq_at(&mut self, at: Time) -> Result<u64, StoreError> {
        let ends = "SELECT COALESCE(MIN(seq), 1), COALESCE(MAX(seq), 0) FROM events";
        let failed = StoreError::sql("search the events by time");
        let (mut low, mut high) = match self.database().row(ends, &[], |row| Ok((row.int(0)?, row.int(1)? + 1))) {
            Ok(found) => found.unwrap_or((1, 1)),
            Err(error) => return Err(failed(error)),
        };
        while low < high {
            let middle = low + (high - low) / 2;
            let sql = "SELECT committed_at FROM events WHERE seq >= $1 ORDER BY seq LIMIT 1";
            let found = self.database().row(sql, &[Param::Int(middle)], |row| row.int(0)).map_err(&failed)?;
            match found {
                Some(committed) if committed < at.0 => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low as u64)
    }

    /// Events numbered `from` up to but not including `to`, newest first.
    pub fn events_between(&mut self, from: u64, to: u64, limit: u64) -> Result<Vec<EventRow>, StoreError> {
        let sql = "SELECT seq, committed_at, json FROM events WHERE seq >= $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
        let ends = |n: u64| Param::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let params = [ends(from), ends(to), Param::Int(limit.min(ROWS_MAX) as i64)];
        self.database().rows(sql, &params, event).map_err(StoreError::sql("read events"))
    }

    /// The items that belong to another one, oldest first.
    pub fn work_children(&mut self, parent: &str) -> Result<Vec<ItemId>, StoreError> {
        let sql = "SELECT kind, number FROM work WHERE parent = $1 ORDER BY first_seq LIMIT $2";
        let params = [Param::Text(parent), Param::Int(ROWS_MAX as i64)];
        let read = |row: &Row<'_>| {
            let kind = row.text(0)?.parse().map_err(|()| SqlError::Column { column: 0, wanted: "a kind of item" })?;
            Ok(ItemId { kind, number: row.int(1)? as u64 })
        };
        self.database().rows(sql, &params, read).map_err(StoreError::sql("read what belongs to an item"))
    }
}

impl GroupBy {
    const fn column(self) -> &'static str {
        match self {
            Self::Town => "w.town",
            Self::Industry => "w.industry",
            Self::Enterprise => "w.enterprise",
            Self::Source => "w.source",
            Self::Grade => "w.grade",
            Self::State => "w.state",
            Self::Category => "w.category",
            Self::Kind => "w.kind",
        }
    }
}

/// Microseconds of a day.
const DAY_US: f64 = 86_400e6;

fn group(row: &Row<'_>) -> Result<WorkGroup, SqlError> {
    let (total, closed) = (row.int(1)? as u64, row.int(2)? as u64);
    Ok(WorkGroup {
        key: row.text(0)?.to_owned(),
        total,
        open: total - closed,
        closed,
        overdue: row.int(3)? as u64,
        mean_days: row.opt_real(4)?.map(|us| us / DAY_US),
        recurrences: row.int(5)? as u64,
    })
}
