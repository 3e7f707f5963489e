//! The numbers on everything the door does.

/// Limits of one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Largest packet, in bytes, header included.
    pub packet_max: usize,
    /// Most messages of one connection that may wait for their commit; MQTT 5 receive maximum.
    pub in_flight_max: u16,
    /// Longest topic, in bytes.
    pub topic_max: usize,
    /// Topics cached per connection.
    pub cache_max: usize,
    /// Highest topic alias (MQTT 5).
    pub alias_max: u16,
    /// Time a client has for its CONNECT, in microseconds.
    pub connect_deadline_us: i64,
    /// Keep-alive for MQTT 5 clients that ask for none, in seconds.
    pub keep_alive_s: u16,
    /// Foreign topics after which an MQTT 3 client is disconnected.
    pub strikes_max: u8,
    /// Subscriptions per session.
    pub subscriptions_max: usize,
    /// Longest session expiry, in seconds.
    pub session_expiry_max_s: u32,
    /// Readings per second of one connection; 0: no cap.
    pub rate_max: u32,
    /// A client that stays above its rate this long is cut with 0x96, in microseconds.
    pub rate_patience_us: i64,
    /// Enterprises of one connection that get link events.
    pub links_max: usize,
    /// Outgoing messages that may wait for one subscriber; more: cut with 0x97.
    pub outgoing_max: usize,
    /// Unacknowledged QoS 1 messages to one subscriber.
    pub outgoing_window: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packet_max: 256 * 1024,
            in_flight_max: 10_000,
            topic_max: 256,
            cache_max: 200_000,
            alias_max: 1_000,
            connect_deadline_us: 10_000_000,
            keep_alive_s: 300,
            strikes_max: 3,
            subscriptions_max: 16,
            session_expiry_max_s: 7 * 86_400,
            rate_max: 0,
            rate_patience_us: 30_000_000,
            links_max: 16,
            outgoing_max: 256,
            outgoing_window: 64,
        }
    }
}
