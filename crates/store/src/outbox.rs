//! What outlets still have to tell: rows written in the commit of their fact, removed when the outlet has a receipt.
//! A row may be told twice (a crash between telling and removing), never not at all.

use model::Time;

use crate::{Database, Param, SqlError};

/// One message waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The fact it tells; its key.
    pub fact: u64,
    /// Where to.
    pub topic: String,
    /// When the fact was committed.
    pub committed_at: Time,
    /// The frame of the fact.
    pub json: String,
}

/// Messages waiting after fact `after`, oldest first.
pub fn waiting(database: &mut Database, after: u64, limit: u64) -> Result<Vec<Waiting>, SqlError> {
    let sql = "SELECT o.fact, o.topic, e.committed_at, e.json FROM outbox o JOIN events e ON e.seq = o.fact
        WHERE o.fact > $1 ORDER BY o.fact LIMIT $2";
    database.rows(sql, &[Param::Int(after as i64), Param::Int(limit as i64)], |row| {
        Ok(Waiting {
            fact: row.int(0)? as u64,
            topic: row.text(1)?.to_owned(),
            committed_at: Time(row.int(2)?),
            json: row.text(3)?.to_owned(),
        })
    })
}

/// Removes messages that were told; on the writer, within `Journal::apply`.
pub fn done(database: &mut Database, facts: &[u64]) -> Result<(), SqlError> {
    for fact in facts {
        database.execute("DELETE FROM outbox WHERE fact = $1", &[Param::Int(*fact as i64)])?;
    }
    Ok(())
}

/// Removes every message up to this fact: all of them were told.
pub fn done_through(database: &mut Database, fact: u64) -> Result<u64, SqlError> {
    database.execute("DELETE FROM outbox WHERE fact <= $1", &[Param::Int(fact as i64)])
}
