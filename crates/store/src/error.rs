//! Why the store refused. One variant is one thing a person can act on.

use std::path::PathBuf;
use std::sync::Arc;

use model::Time;

/// What the SQL engine said.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SqlError {
    /// SQLite.
    #[error("SQLite: {0}")]
    Sqlite(Arc<rusqlite::Error>),
    /// PostgreSQL.
    #[error("PostgreSQL: {}", postgres_text(.0))]
    Postgres(Arc<postgres::Error>),
    /// A row holds what no version of us writes there.
    #[error("column {column} does not hold {wanted}")]
    Column {
        /// Position in the result.
        column: usize,
        /// Type that was wanted.
        wanted: &'static str,
    },
}

impl SqlError {
    /// Whether the engine refused a statement for what it says (a constraint, a type, a name), and not for the state of
    /// its disk, memory or connection.
    pub(crate) fn is_of_the_statement(&self) -> bool {
        use rusqlite::ErrorCode as C;
        match self {
            Self::Column { .. } => true,
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(code) => matches!(
                    code,
                    C::ConstraintViolation | C::TypeMismatch | C::TooBig | C::ParameterOutOfRange | C::Unknown
                ),
                None => true,
            },
            // Classes of SQLSTATE: 22 data, 23 integrity, 42 syntax and names.
            Self::Postgres(error) => {
                error.code().is_some_and(|c| ["22", "23", "42"].iter().any(|class| c.code().starts_with(class)))
            }
        }
    }
}

/// The server's message; `postgres::Error` itself only says "db error".
fn postgres_text(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error.to_string(),
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<postgres::Error> for SqlError {
    fn from(error: postgres::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

/// Why the store refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on this data folder; exit code 75.
    #[error("LOCKED by pid {pid}: another instance uses this data; stop it or choose another data folder")]
    Locked {
        /// Its process id (of the server's backend on PostgreSQL); 0 if it could not be read.
        pid: u32,
    },
    /// The data was written by a newer version; nothing was changed; exit code 65.
    #[error("SCHEMA_NEWER have {have} need <= {need}: start the newer version, or restore a backup")]
    SchemaNewer {
        /// Version stamp of the data.
        have: i64,
        /// Newest version this program knows.
        need: i64,
    },
    /// A file or folder could not be used.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The SQL engine refused.
    #[error("cannot {doing}")]
    Sql {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        #[source]
        source: SqlError,
    },
    /// A change of records was refused for what it says; it was rolled back, and the journal goes on.
    #[error("a change of records was refused")]
    Refused {
        /// Why.
        #[source]
        source: SqlError,
    },
    /// A stored record is damaged.
    #[error("{table} row {row} is damaged: {problem}")]
    Damaged {
        /// Which table.
        table: &'static str,
        /// Its key.
        row: i64,
        /// What is wrong with it.
        problem: String,
    },
    /// An earlier commit failed; whether it reached the disk is unknown, so this journal commits nothing more.
    /// Reopen it (restart) to recover from what the disk holds (PostgreSQL's fsyncgate, 2018).
    #[error("the journal stopped at {at:?} after a failed commit: {first}")]
    Stopped {
        /// When the commit failed.
        at: Time,
        /// What it failed of, causes included.
        first: Arc<str>,
    },
    /// Rows were handed over in an order that would leave a gap or repeat a number.
    #[error("{what} {got} follows {last}: numbers must be gap-free")]
    Sequence {
        /// Which sequence.
        what: &'static str,
        /// The last number stored.
        last: u64,
        /// The number offered.
        got: u64,
    },
}

impl StoreError {
    /// Stable label for metrics and the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "LOCKED",
            Self::SchemaNewer { .. } => "SCHEMA_NEWER",
            Self::File { .. } => "STORE_FILE",
            Self::Sql { .. } => "STORE_SQL",
            Self::Refused { .. } => "STORE_REFUSED",
            Self::Damaged { .. } => "STORE_DAMAGED",
            Self::Stopped { .. } => "STORE_STOPPED",
            Self::Sequence { .. } => "STORE_SEQUENCE",
        }
    }

    /// Exit code of the program when it cannot start for this reason (sysexits.h).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Locked { .. } => 75,
            Self::SchemaNewer { .. } | Self::Damaged { .. } => 65,
            _ => 74,
        }
    }

    pub(crate) fn sql(doing: &'static str) -> impl Fn(SqlError) -> Self {
        move |source| Self::Sql { doing, source }
    }

    pub(crate) fn file<'a>(doing: &'static str, path: &'a std::path::Path) -> impl Fn(std::io::Error) -> Self + 'a {
        move |source| Self::File { doing, path: path.to_owned(), source: Arc::new(source) }
    }

    /// The message with all its causes, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
