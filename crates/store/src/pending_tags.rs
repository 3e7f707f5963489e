//! Tags that readings named and the tag list does not have: parked, counted and shown, never dropped silently.

use model::Time;

use crate::{Database, Param, Row, SqlError};

/// One parked tag.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingTag {
    /// Enterprise id, as sent.
    pub enterprise: String,
    /// Tag name, as sent.
    pub tag: String,
    /// Readings offered so far.
    pub offered: u64,
    /// First seen.
    pub first_at: Time,
    /// Last seen.
    pub last_at: Time,
    /// Last value.
    pub last_value: f64,
}

/// Every parked tag, most recent first.
pub fn all(database: &mut Database, limit: u64) -> Result<Vec<PendingTag>, SqlError> {
    let sql = "SELECT enterprise, tag, offered, first_at, last_at, last_value FROM pending_tags
        ORDER BY last_at DESC, enterprise, tag LIMIT $1";
    database.rows(sql, &[Param::Int(limit as i64)], pending)
}

/// Adds `tag.offered` to what was offered before, and moves `last_at` and `last_value` on.
pub fn add(database: &mut Database, tag: &PendingTag) -> Result<(), SqlError> {
    let sql = "INSERT INTO pending_tags (enterprise, tag, offered, first_at, last_at, last_value)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (enterprise, tag) DO UPDATE
        SET offered = pending_tags.offered + excluded.offered, last_at = excluded.last_at,
        last_value = excluded.last_value";
    let params = [
        Param::Text(&tag.enterprise),
        Param::Text(&tag.tag),
        Param::Int(tag.offered as i64),
        Param::Int(tag.first_at.0),
        Param::Int(tag.last_at.0),
        Param::Real(tag.last_value),
    ];
    database.execute(sql, &params).map(|_| ())
}

/// Removes a parked tag: it is in the tag list now, or was dismissed. True if it was there.
pub fn remove(database: &mut Database, enterprise: &str, tag: &str) -> Result<bool, SqlError> {
    let sql = "DELETE FROM pending_tags WHERE enterprise = $1 AND tag = $2";
    Ok(database.execute(sql, &[Param::Text(enterprise), Param::Text(tag)])? > 0)
}

fn pending(row: &Row<'_>) -> Result<PendingTag, SqlError> {
    Ok(PendingTag {
        enterprise: row.text(0)?.to_owned(),
        tag: row.text(1)?.to_owned(),
        offered: row.int(2)? as u64,
        first_at: Time(row.int(3)?),
        last_at: Time(row.int(4)?),
        last_value: row.real(5)?,
    })
}
