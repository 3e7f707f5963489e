//! Session records of MQTT clients (subscriptions, QoS 2 ids), kept so that a restart is no lost session.
//! The record's bytes are the door's own; here they are opaque.

use model::Time;

use crate::{Database, Param, Row, SqlError};

/// One client's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttSession {
    /// Client id.
    pub client: String,
    /// When it may be forgotten; none: never (session expiry 0xFFFFFFFF).
    pub expires_at: Option<Time>,
    /// The door's record.
    pub record: Vec<u8>,
}

/// Every session that has not expired at `now`.
pub fn all(database: &mut Database, now: Time) -> Result<Vec<MqttSession>, SqlError> {
    let sql = "SELECT client, expires_at, record FROM mqtt_sessions
        WHERE expires_at IS NULL OR expires_at > $1 ORDER BY client";
    database.rows(sql, &[Param::Int(now.0)], session)
}

/// Saves a session.
pub fn save(database: &mut Database, session: &MqttSession) -> Result<(), SqlError> {
    let sql = "INSERT INTO mqtt_sessions (client, expires_at, record) VALUES ($1, $2, $3)
        ON CONFLICT (client) DO UPDATE SET expires_at = excluded.expires_at, record = excluded.record";
    let expires_at = Param::from(session.expires_at.map(|t| t.0));
    database.execute(sql, &[Param::Text(&session.client), expires_at, Param::Blob(&session.record)]).map(|_| ())
}

/// Removes a session; true if it was there.
pub fn remove(database: &mut Database, client: &str) -> Result<bool, SqlError> {
    Ok(database.execute("DELETE FROM mqtt_sessions WHERE client = $1", &[Param::Text(client)])? > 0)
}

/// Removes sessions that expired at or before `now`; returns how many.
pub fn remove_expired(database: &mut Database, now: Time) -> Result<u64, SqlError> {
    database.execute("DELETE FROM mqtt_sessions WHERE expires_at <= $1", &[Param::Int(now.0)])
}

fn session(row: &Row<'_>) -> Result<MqttSession, SqlError> {
    Ok(MqttSession {
        client: row.text(0)?.to_owned(),
        expires_at: row.opt_int(1)?.map(Time),
        record: row.blob(2)?.to_vec(),
    })
}
