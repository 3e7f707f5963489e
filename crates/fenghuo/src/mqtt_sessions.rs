//! Session records of MQTT clients: in memory for the door, in the journal's database for the next start.

use std::collections::HashMap;
use std::sync::Arc;

use hall::Hall;
use ingest::mqtt::{LoadSession, SaveSession, SessionRecord};
use model::Time;
use parking_lot::Mutex;
use runtime::unix_now;
use store::mqtt_sessions::{self as table, MqttSession};

use crate::exit;
use crate::records::{Readers, change_records};

/// All records.
#[derive(Clone)]
pub struct MqttSessions {
    records: Arc<Mutex<HashMap<String, SessionRecord>>>,
    hall: Hall,
}

impl MqttSessions {
    /// Reads the records that have not expired.
    ///
    /// # Errors
    /// Exit 74 when they cannot be read.
    pub fn open(readers: &Readers, hall: Hall) -> anyhow::Result<Self> {
        let read = |r: &mut store::Reader| {
            table::all(r.database(), Time(unix_now()))
                .map_err(|source| store::StoreError::Sql { doing: "read MQTT sessions", source })
        };
        let rows = readers.read(read).map_err(|p| exit::with(74, p.message_en))?;
        let record = |row: MqttSession| Some((row.client, serde_json::from_slice(&row.record).ok()?));
        let records = rows.into_iter().filter_map(record).collect();
        Ok(Self { records: Arc::new(Mutex::new(records)), hall })
    }

    /// For the door.
    pub fn load(&self) -> LoadSession {
        let records = self.records.clone();
        Arc::new(move |client| records.lock().get(client).cloned())
    }

    /// For the door; returns when the record is durable.
    pub fn save(&self) -> SaveSession {
        let this = self.clone();
        Arc::new(move |client, record| match record {
            Some(record) => this.keep(client, record),
            None => this.remove(client),
        })
    }

    fn keep(&self, client: &str, record: &SessionRecord) -> bool {
        self.records.lock().insert(client.to_owned(), record.clone());
        let row = MqttSession {
            client: client.to_owned(),
            expires_at: record.left_at.map(|left| left.plus_s(f64::from(record.expiry_s))),
            record: serde_json::to_vec(record).unwrap_or_default(),
        };
        change_records(&self.hall, Box::new(move |db| table::save(db, &row)), None).is_ok()
    }

    fn remove(&self, client: &str) -> bool {
        self.records.lock().remove(client);
        let client = client.to_owned();
        change_records(&self.hall, Box::new(move |db| table::remove(db, &client).map(|_| ())), None).is_ok()
    }
}
