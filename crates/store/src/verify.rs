//! `fenghuo audit verify`: walks the whole chain again and names the first row of every break.

use std::fmt;

use model::Time;

use crate::audit::{AuditRow, GENESIS, Hash, Head, Vouched, hex};
use crate::{Database, Location, Param, Reader, Row, SqlError, StoreError};

/// Rows read at a time.
const PAGE: i64 = 2_000;
/// Problems listed; more are only counted.
const PROBLEMS_MAX: usize = 100;

/// What the walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Rows of the audit walked.
    pub rows: u64,
    /// Events vouched for by them.
    pub events: u64,
    /// The head as recomputed; equal to the stored one if nothing is wrong.
    pub head: Head,
    /// What is wrong, at most 100 of them.
    pub problems: Vec<Problem>,
    /// All that is wrong.
    pub problem_count: u64,
}

/// One thing wrong, with the table and row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The hash does not fit row and predecessor: a byte of this row, of its event, or of the chain was changed.
    #[error("audit row {seq}: its hash does not fit; the row or event {event:?} was changed")]
    Changed {
        /// Audit row.
        seq: u64,
        /// The event it vouches for.
        event: Option<i64>,
    },
    /// Numbers are missing.
    #[error("audit rows {first} to {last} are missing")]
    Missing {
        /// First missing.
        first: u64,
        /// Last missing.
        last: u64,
    },
    /// The event a row vouches for is gone.
    #[error("audit row {seq}: event {event} is missing")]
    EventMissing {
        /// Audit row.
        seq: u64,
        /// Missing event.
        event: i64,
    },
    /// Events nobody vouches for.
    #[error("{count} events have no audit row; the first is event {first}")]
    Unvouched {
        /// How many.
        count: u64,
        /// The first of them.
        first: i64,
    },
    /// The chain ends before, or differs at, a head that was kept elsewhere.
    #[error("the chain does not hold the expected head: row {seq} with hash {hash}")]
    HeadDiffers {
        /// Expected row.
        seq: u64,
        /// Expected hash.
        hash: String,
    },
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn add(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} audit rows, {} events, head {} {}",
            self.rows,
            self.events,
            self.head.seq,
            hex(&self.head.hash)
        )?;
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        match self.problem_count {
            0 => write!(f, "sound"),
            n => write!(f, "{n} problems"),
        }
    }
}

/// Walks the chain of a journal, also while it is in use. `expected` is a head that was kept elsewhere: the only way
/// to find that the newest rows were cut off.
pub fn verify(location: &Location, expected: Option<(u64, Hash)>) -> Result<Report, StoreError> {
    let mut reader = Reader::open(location)?;
    let doing = StoreError::sql("read the audit");
    let mut walk = Walk::new(expected);
    // The chain and the events must be of one moment although commits go on.
    reader.database().snapshot_transaction(|db| walk.all(db)).map_err(doing)?;
    Ok(walk.report)
}

struct Walk {
    report: Report,
    previous: Hash,
    last: u64,
    expected: Option<(u64, Hash)>,
}

impl Walk {
    fn new(expected: Option<(u64, Hash)>) -> Self {
        let report = Report { rows: 0, events: 0, head: Head::EMPTY, problems: Vec::new(), problem_count: 0 };
        Self { report, previous: GENESIS, last: 0, expected }
    }

    fn all(&mut self, db: &mut Database) -> Result<(), SqlError> {
        while self.page(db)? {}
        if let Some((seq, hash)) = self.expected.take() {
            self.report.add(Problem::HeadDiffers { seq, hash: hex(&hash) });
        }
        self.unvouched(db)
    }

    fn page(&mut self, db: &mut Database) -> Result<bool, SqlError> {
        let sql = "SELECT a.seq, a.at, a.fact, a.account, a.action, a.subject, a.detail, a.hash,
            e.seq, e.committed_at, e.kind, e.subject, e.previous, e.json
            FROM audit a LEFT JOIN events e ON e.seq = a.fact WHERE a.seq > $1 ORDER BY a.seq LIMIT $2";
        let mut any = false;
        db.query(sql, &[Param::Int(self.last as i64), Param::Int(PAGE)], |row| {
            any = true;
            self.row(row)
        })?;
        Ok(any)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), SqlError> {
        let seq = row.int(0)? as u64;
        if seq != self.last + 1 {
            self.report.add(Problem::Missing { first: self.last + 1, last: seq - 1 });
        }
        self.last = seq;
        self.report.rows += 1;
        let fact = row.opt_int(2)?;
        let event = vouched(row)?;
        if let (Some(fact), None) = (fact, &event) {
            self.report.add(Problem::EventMissing { seq, event: fact });
        }
        self.report.events += u64::from(event.is_some());
        self.hash(row, seq, event)
    }

    fn hash(&mut self, row: &Row<'_>, seq: u64, event: Option<Vouched<'_>>) -> Result<(), SqlError> {
        let at = row.int(1)?;
        let computed = AuditRow {
            seq,
            at,
            account: row.text(3)?,
            action: row.text(4)?,
            subject: row.text(5)?,
            detail: row.text(6)?,
            event,
        }
        .hash(&self.previous);
        let stored = row.blob(7)?;
        if stored != computed {
            self.report.add(Problem::Changed { seq, event: event.map(|e| e.seq) });
        }
        if self.expected == Some((seq, computed)) {
            self.expected = None;
        }
        // Going on from the stored hash lists every changed row, not every row after the first change.
        self.previous = stored.try_into().unwrap_or(computed);
        self.report.head = Head { seq, hash: computed, at: Time(at) };
        Ok(())
    }

    fn unvouched(&mut self, db: &mut Database) -> Result<(), SqlError> {
        let sql = "SELECT COUNT(*), MIN(seq) FROM events
            WHERE seq NOT IN (SELECT fact FROM audit WHERE fact IS NOT NULL)";
        let found = db.row(sql, &[], |row| Ok((row.int(0)?, row.opt_int(1)?)))?;
        if let Some((count, Some(first))) = found {
            self.report.add(Problem::Unvouched { count: count as u64, first });
        }
        Ok(())
    }
}

fn vouched<'a>(row: &'a Row<'_>) -> Result<Option<Vouched<'a>>, SqlError> {
    let Some(seq) = row.opt_int(8)? else { return Ok(None) };
    Ok(Some(Vouched {
        seq,
        committed_at: row.int(9)?,
        kind: row.int(10)?,
        subject: row.int(11)?,
        previous: row.opt_int(12)?,
        json: row.text(13)?,
    }))
}
