//! Schema: the same columns on both engines, and newer data is refused untouched.

use super::engines::{on_both, postgres, sqlite};
use crate::{Database, Journal, Location, SCHEMA_VERSION, StoreError, journal};

fn columns(location: &Location) -> Vec<String> {
    let (mut journal, _) = Journal::open(location).expect("opens");
    let sql = match location {
        Location::Sqlite(_) => {
            "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table'"
        }
        Location::Postgres(_) => {
            "SELECT table_name::TEXT || '.' || column_name::TEXT FROM information_schema.columns
             WHERE table_schema = current_schema()"
        }
    };
    let mut found = journal.database.rows(sql, &[], |row| Ok(row.text(0)?.to_owned())).expect("reads");
    found.sort();
    found
}

#[test]
fn both_engines_have_the_same_columns() {
    let found = columns(&sqlite().location);
    assert!(found.len() > 40, "{found:?}");
    assert_eq!(found, columns(&postgres().location));
}

/// reliability.md, bad input 40.
#[test]
fn newer_data_is_refused_and_nothing_changes() {
    on_both(|location| {
        drop(Journal::open(location).expect("opens"));
        let stamp = "UPDATE schema_version SET version = version + 1";
        match location {
            Location::Sqlite(folder) => {
                let file = journal::database_file(folder);
                let mut database = Database::open_sqlite(&file, 0, false).expect("opens");
                database.batch(stamp).expect("stamps");
                database.batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("checkpoints");
                drop(database);
                let before = std::fs::read(&file).expect("reads");
                refused(location);
                assert_eq!(std::fs::read(&file).expect("reads"), before);
            }
            Location::Postgres(url) => {
                Database::open_postgres(url).expect("connects").batch(stamp).expect("stamps");
                refused(location);
            }
        }
    });
}

#[track_caller]
fn refused(location: &Location) {
    let Err(error) = Journal::open(location) else { panic!("newer data was opened") };
    let StoreError::SchemaNewer { have, need } = error else { panic!("{error}") };
    assert_eq!((have, need, error.exit_code()), (SCHEMA_VERSION + 1, SCHEMA_VERSION, 65));
}
