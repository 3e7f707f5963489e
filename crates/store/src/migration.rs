//! The schema of the journal database, step by step, one text per engine, and the version stamp.

use crate::{Database, Param, SqlError, StoreError};

/// One step: its text for SQLite and for PostgreSQL. The stamp after it is its position, from 1.
struct Step {
    sqlite: &'static str,
    postgres: &'static str,
}

/// Steps are never edited after a release; a change is a new step.
const STEPS: &[Step] = &[
    Step { sqlite: include_str!("sql/0001.sqlite.sql"), postgres: include_str!("sql/0001.postgres.sql") },
    Step { sqlite: include_str!("sql/0002.sqlite.sql"), postgres: include_str!("sql/0002.postgres.sql") },
];

/// Newest schema version this program knows.
pub const VERSION: i64 = STEPS.len() as i64;

/// Brings the schema up to date. A newer stamp is refused before anything is written.
pub fn migrate(database: &mut Database) -> Result<(), StoreError> {
    let have = version(database).map_err(StoreError::sql("read the schema version"))?;
    if have > VERSION {
        return Err(StoreError::SchemaNewer { have, need: VERSION });
    }
    for (number, step) in (1..).zip(STEPS).skip(have as usize) {
        database.transaction(|db| apply(db, number, step)).map_err(StoreError::sql("migrate the schema"))?;
    }
    Ok(())
}

fn apply(database: &mut Database, number: i64, step: &Step) -> Result<(), SqlError> {
    let text = match database {
        Database::Sqlite(_) => step.sqlite,
        Database::Postgres(_) => step.postgres,
    };
    database.batch(text)?;
    database.execute("DELETE FROM schema_version", &[])?;
    database.execute("INSERT INTO schema_version (version) VALUES ($1)", &[Param::Int(number)]).map(|_| ())
}

/// The stamp; 0 for an empty database.
pub fn version(database: &mut Database) -> Result<i64, SqlError> {
    let sql = match database {
        Database::Sqlite(_) => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
        Database::Postgres(_) => {
            "SELECT COUNT(*) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_name = 'schema_version'"
        }
    };
    if database.row(sql, &[], |row| row.int(0))? != Some(1) {
        return Ok(0);
    }
    Ok(database.row("SELECT version FROM schema_version", &[], |row| row.int(0))?.unwrap_or(0))
}
