//! One connection to one of two SQL engines, behind one portable SQL text.
//!
//! Portable means: `$1` placeholders, BIGINT, TEXT, BYTEA/BLOB and double precision only, `ON CONFLICT`,
//! `RETURNING`, common table expressions. What differs is the migration text and the way to lock.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rustc_hash::FxHashMap;

use crate::{SqlError, StoreError};

/// Prepared statements kept per SQLite connection, and built ones per PostgreSQL connection.
const STATEMENTS_MAX: usize = 128;

/// A statement put together from parts of the program's own text; what people typed goes into parameters only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    text: String,
    placeholders: usize,
}

impl Built {
    /// Appends a part; each `?` in it becomes the next placeholder.
    #[must_use]
    pub fn with(mut self, part: &'static str) -> Self {
        for (n, piece) in part.split('?').enumerate() {
            if n > 0 {
                self.placeholders += 1;
                self.text.push('$');
                self.text.push_str(&self.placeholders.to_string());
            }
            self.text.push_str(piece);
        }
        self
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A parameter of a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param<'a> {
    /// SQL NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// Double precision.
    Real(f64),
    /// TEXT.
    Text(&'a str),
    /// BLOB or BYTEA.
    Blob(&'a [u8]),
}

impl From<Option<i64>> for Param<'_> {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(v) => ValueRef::Integer(v),
            Self::Real(v) => ValueRef::Real(v),
            Self::Text(v) => ValueRef::Text(v.as_bytes()),
            Self::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(v) => v.to_sql_checked(ty, out),
            Self::Real(v) => v.to_sql_checked(ty, out),
            Self::Text(v) => v.to_sql_checked(ty, out),
            Self::Blob(v) => v.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A row of a result; columns are read by position.
pub enum Row<'a> {
    /// From SQLite.
    Sqlite(&'a rusqlite::Row<'a>),
    /// From PostgreSQL.
    Postgres(&'a postgres::Row),
}

impl Row<'_> {
    /// A BIGINT that may be NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, SqlError> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                ValueRef::Null => Ok(None),
                ValueRef::Integer(v) => Ok(Some(v)),
                _ => Err(SqlError::Column { column, wanted: "an integer" }),
            },
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A BIGINT.
    pub fn int(&self, column: usize) -> Result<i64, SqlError> {
        self.opt_int(column)?.ok_or(SqlError::Column { column, wanted: "an integer" })
    }

    /// A double that may be NULL.
    pub fn opt_real(&self, column: usize) -> Result<Option<f64>, SqlError> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                ValueRef::Null => Ok(None),
                ValueRef::Real(v) => Ok(Some(v)),
                ValueRef::Integer(v) => Ok(Some(v as f64)),
                _ => Err(SqlError::Column { column, wanted: "a number" }),
            },
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A double.
    pub fn real(&self, column: usize) -> Result<f64, SqlError> {
        self.opt_real(column)?.ok_or(SqlError::Column { column, wanted: "a number" })
    }

    /// A TEXT.
    pub fn text(&self, column: usize) -> Result<&str, SqlError> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                ValueRef::Text(v) => {
                    std::str::from_utf8(v).map_err(|_| SqlError::Column { column, wanted: "UTF-8 text" })
                }
                _ => Err(SqlError::Column { column, wanted: "text" }),
            },
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A BLOB or BYTEA.
    pub fn blob(&self, column: usize) -> Result<&[u8], SqlError> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                ValueRef::Blob(v) => Ok(v),
                _ => Err(SqlError::Column { column, wanted: "bytes" }),
            },
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }
}

/// PostgreSQL with its prepared statements.
pub struct Postgres {
    client: postgres::Client,
    statements: FxHashMap<&'static str, postgres::Statement>,
    built: FxHashMap<String, postgres::Statement>,
}

/// One connection.
pub enum Database {
    /// Embedded.
    Sqlite(rusqlite::Connection),
    /// Production.
    Postgres(Box<Postgres>),
}

impl Database {
    /// Opens a SQLite file for the one writer, or (`read_only`) for a reader. `page_size` is in bytes and
    /// counts only when the file is new.
    pub fn open_sqlite(path: &Path, page_size: u32, read_only: bool) -> Result<Self, StoreError> {
        let mut database = Self::open_sqlite_plain(path, read_only).map_err(StoreError::sql("open the SQLite file"))?;
        if !read_only {
            // Checkpoints run beside the commits, never inside one: see `checkpoint`.
            let settings = format!(
                "PRAGMA page_size={page_size}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
                 PRAGMA wal_autocheckpoint=0; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;
                 PRAGMA cache_size=-8192;"
            );
            database.batch(&settings).map_err(StoreError::sql("set up the SQLite file"))?;
        } else {
            // A ledger of 80,000 items is 25 MB: counts over all of it read the file once, not every time. No mapping of
            // the file: a bad sector would be a signal that ends the process, not an error.
            let settings = "PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY;";
            database.batch(settings).map_err(StoreError::sql("set up a SQLite reader"))?;
        }
        Ok(database)
    }

    /// Opens a SQLite file and sets nothing that is kept in it.
    pub(crate) fn open_sqlite_plain(path: &Path, read_only: bool) -> Result<Self, SqlError> {
        let flags = match read_only {
            true => rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
            false => rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_CREATE,
        };
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // Closing must not checkpoint: after a failed sync the WAL may not be what the disk holds.
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(Self::Sqlite(connection))
    }

    /// Connects to PostgreSQL. Must be called on a plain thread: the client blocks.
    pub fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let client = postgres::Client::connect(url, postgres::NoTls)
            .map_err(|e| StoreError::sql("connect to PostgreSQL")(e.into()))?;
        Ok(Self::Postgres(Box::new(Postgres { client, statements: FxHashMap::default(), built: FxHashMap::default() })))
    }

    /// Runs statements that are not worth preparing: migrations.
    pub fn batch(&mut self, sql: &str) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(postgres) => Ok(postgres.client.batch_execute(sql)?),
        }
    }

    /// Runs one prepared statement; returns the number of rows it changed.
    pub fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, SqlError> {
        debug_assert!(is_portable(sql), "placeholders out of order: {sql}");
        match self {
            Self::Sqlite(connection) => {
                Ok(connection.prepare_cached(sql)?.execute(rusqlite::params_from_iter(params))? as u64)
            }
            Self::Postgres(postgres) => {
                let statement = postgres.prepared(sql)?;
                Ok(postgres.client.execute(&statement, &borrowed(params))?)
            }
        }
    }

    /// Runs one prepared query and gives every row to `each`.
    pub fn query<F>(&mut self, sql: &'static str, params: &[Param<'_>], mut each: F) -> Result<(), SqlError>
    where
        F: FnMut(&Row<'_>) -> Result<(), SqlError>,
    {
        debug_assert!(is_portable(sql), "placeholders out of order: {sql}");
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(params))?;
                while let Some(row) = rows.next()? {
                    each(&Row::Sqlite(row))?;
                }
                Ok(())
            }
            Self::Postgres(postgres) => {
                let statement = postgres.prepared(sql)?;
                let rows = postgres.client.query(&statement, &borrowed(params))?;
                rows.iter().try_for_each(|row| each(&Row::Postgres(row)))
            }
        }
    }

    /// All rows of a query, each turned into a `T`.
    pub fn rows<T, F>(&mut self, sql: &'static str, params: &[Param<'_>], mut read: F) -> Result<Vec<T>, SqlError>
    where
        F: FnMut(&Row<'_>) -> Result<T, SqlError>,
    {
        let mut found = Vec::new();
        self.query(sql, params, |row| read(row).map(|value| found.push(value)))?;
        Ok(found)
    }

    /// All rows of a statement that was put together.
    pub fn rows_built<T, F>(&mut self, sql: &Built, params: &[Param<'_>], mut read: F) -> Result<Vec<T>, SqlError>
    where
        F: FnMut(&Row<'_>) -> Result<T, SqlError>,
    {
        let mut found = Vec::new();
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql.text())?;
                let mut rows = statement.query(rusqlite::params_from_iter(params))?;
                while let Some(row) = rows.next()? {
                    found.push(read(&Row::Sqlite(row))?);
                }
            }
            Self::Postgres(postgres) => {
                let statement = postgres.prepared_built(sql.text())?;
                for row in &postgres.client.query(&statement, &borrowed(params))? {
                    found.push(read(&Row::Postgres(row))?);
                }
            }
        }
        Ok(found)
    }

    /// The first row of a query, if there is one.
    pub fn row<T, F>(&mut self, sql: &'static str, params: &[Param<'_>], read: F) -> Result<Option<T>, SqlError>
    where
        F: FnMut(&Row<'_>) -> Result<T, SqlError>,
    {
        Ok(self.rows(sql, params, read)?.into_iter().next())
    }

    /// Runs `work` in one transaction: all of it is durable when this returns `Ok`, none of it on `Err`.
    pub fn transaction<T, F>(&mut self, work: F) -> Result<T, SqlError>
    where
        F: FnOnce(&mut Self) -> Result<T, SqlError>,
    {
        self.transaction_or_why(work).map_err(|(error, _)| error)
    }

    /// As [`Database::transaction`], and says of an error whether the engine is as it was before: a statement was refused
    /// for what it said and the roll-back worked, so that the next transaction may be tried (true). After a failed COMMIT,
    /// or anything that smells of the disk, nobody knows (false).
    pub(crate) fn transaction_or_why<T, F>(&mut self, work: F) -> Result<T, (SqlError, bool)>
    where
        F: FnOnce(&mut Self) -> Result<T, SqlError>,
    {
        self.execute(self.begin(), &[]).map_err(|e| (e, false))?;
        match work(self) {
            Ok(value) => match self.execute("COMMIT", &[]) {
                Ok(_) => Ok(value),
                Err(error) => {
                    self.roll_back();
                    Err((error, false))
                }
            },
            Err(error) => {
                let sound = self.roll_back() && error.is_of_the_statement();
                Err((error, sound))
            }
        }
    }

    /// Whether a commit waits for the disk (`FULL`) or only the order of writes is kept (`NORMAL`). SQLite only: what
    /// was committed without waiting is durable with the next commit that waits.
    pub(crate) fn wait_for_disk(&mut self, wait: bool) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(_) => self.batch(if wait { "PRAGMA synchronous=FULL" } else { "PRAGMA synchronous=NORMAL" }),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Rows changed by this connection since it was opened; always 0 on PostgreSQL.
    pub(crate) fn rows_changed(&self) -> u64 {
        match self {
            Self::Sqlite(connection) => connection.total_changes(),
            Self::Postgres(_) => 0,
        }
    }

    /// The first error is what counts; SQLite may have rolled back by itself already.
    fn roll_back(&mut self) -> bool {
        let rolled = self.batch("ROLLBACK");
        if let Err(rollback) = &rolled {
            tracing::debug!(%rollback, "nothing to roll back");
        }
        rolled.is_ok()
    }

    /// A cell that holds the length of the WAL, in pages, after each commit; always 0 on PostgreSQL.
    pub(crate) fn count_wal_pages(&mut self) -> Result<Arc<AtomicU64>, SqlError> {
        let pages = Arc::new(AtomicU64::new(0));
        if let Self::Sqlite(connection) = self {
            let cell = Arc::clone(&pages);
            connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
                cell.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }))?;
        }
        Ok(pages)
    }

    /// Runs `work` so that all its queries see the same commits.
    pub fn snapshot_transaction<T, F>(&mut self, work: F) -> Result<T, SqlError>
    where
        F: FnOnce(&mut Self) -> Result<T, SqlError>,
    {
        self.batch(match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })?;
        let value = work(self);
        self.batch("ROLLBACK")?;
        value
    }

    fn begin(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        }
    }
}

impl Postgres {
    fn prepared(&mut self, sql: &'static str) -> Result<postgres::Statement, SqlError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    fn prepared_built(&mut self, sql: &str) -> Result<postgres::Statement, SqlError> {
        if let Some(statement) = self.built.get(sql) {
            return Ok(statement.clone());
        }
        if self.built.len() == STATEMENTS_MAX {
            self.built.clear();
        }
        let statement = self.client.prepare(sql)?;
        self.built.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn borrowed<'a>(params: &'a [Param<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|p| p as &(dyn ToSql + Sync)).collect()
}

/// SQLite numbers `$1`, `$2` … by their first appearance and PostgreSQL by the digit: they must agree.
fn is_portable(sql: &str) -> bool {
    let mut most = 0;
    sql.split('$').skip(1).all(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u32 = rest[..digits].parse().unwrap_or(0);
        most = most.max(number.min(most + 1));
        (1..=most).contains(&number)
    })
}
