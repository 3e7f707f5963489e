//! One simulated gateway: an MQTT client of its firm, with a will, publishing what its plant measures.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use model::Directory;
use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, QoS};
use runtime::{Backoff, Tasks, unix_now};

use crate::plant::{Plant, Sample};
use crate::scene::Script;

/// The loop looks for due tags this often.
const STEP: Duration = Duration::from_millis(100);
/// Requests queued in the client.
const QUEUE: usize = 1_000;

/// Where one simulated gateway connects, and as whom.
#[derive(Clone, Debug)]
pub struct Door {
    /// Address of the MQTT door; must be loopback.
    pub address: SocketAddr,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// Why a simulation does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Simulated danger must not reach a real hall.
    #[error("the simulator speaks only to loopback, not to {0}")]
    NotLoopback(SocketAddr),
}

/// Starts the gateway of one enterprise; it runs until the tasks stop.
///
/// # Errors
/// [`Error::NotLoopback`].
pub fn start(tasks: &Tasks, door: Door, directory: &Directory, enterprise: &str, script: &Script) -> Result<(), Error> {
    if !door.address.ip().is_loopback() {
        return Err(Error::NotLoopback(door.address));
    }
    let seed = enterprise.bytes().fold(17, |n: u64, b| n.wrapping_mul(31).wrapping_add(u64::from(b)));
    let mut gateway = Gateway {
        door,
        enterprise: enterprise.to_owned(),
        plant: Plant::new(directory, enterprise, seed),
        script: script.of(enterprise),
        started: Instant::now(),
        seq: 0,
    };
    let stop = tasks.stopping().clone();
    tasks.run("simulated gateway", async move {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5), seed);
        while !stop.is_cancelled() {
            tokio::select! { biased; () = stop.cancelled() => return, () = gateway.session() => {} }
            tokio::select! { biased; () = stop.cancelled() => return, () = tokio::time::sleep(backoff.wait()) => {} }
        }
    });
    Ok(())
}

struct Gateway {
    door: Door,
    enterprise: String,
    plant: Plant,
    script: Script,
    started: Instant,
    seq: u64,
}

impl Gateway {
    fn now_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// One connection, until it breaks or the firm goes dark.
    async fn session(&mut self) {
        if self.script.dark(self.now_s()) {
            return;
        }
        let (client, mut events) = self.connect();
        let mut ticks = tokio::time::interval(STEP);
        loop {
            // One poll is carried on until it is done: dropping it in the middle would drop the connection with it.
            let poll = events.poll();
            tokio::pin!(poll);
            loop {
                tokio::select! {
                    event = &mut poll => {
                        if let Err(error) = event.map(|e: Event| tracing::trace!(?e, "gateway")) {
                            return tracing::debug!(%error, enterprise = self.enterprise, "simulated gateway lost its connection");
                        }
                        break;
                    }
                    _ = ticks.tick() => {
                        // Dropping the event loop closes the socket without DISCONNECT: the will is published.
                        if self.script.dark(self.now_s()) {
                            return;
                        }
                        self.publish(&client);
                    }
                }
            }
        }
    }

    fn connect(&self) -> (AsyncClient, EventLoop) {
        let id = format!("gw-{}", self.enterprise);
        let mut options = MqttOptions::new(&id, self.door.address.ip().to_string(), self.door.address.port());
        options.set_credentials(&self.door.username, &self.door.password);
        options.set_keep_alive(Duration::from_secs(10));
        options.set_last_will(LastWill::new(
            format!("fh/v1/{}/$state", self.enterprise),
            "offline",
            QoS::AtLeastOnce,
            false,
        ));
        AsyncClient::new(options, QUEUE)
    }

    fn publish(&mut self, client: &AsyncClient) {
        let (now_s, ms) = (self.now_s(), unix_now() / 1_000);
        let Self { plant, script, seq, enterprise, .. } = self;
        plant.step(now_s, script, |sample| {
            *seq += 1;
            let topic = format!("fh/v1/{enterprise}/{}", sample.tag);
            // A full queue is a slow door: this sample is lost, as it would be on a real gateway without a buffer.
            if let Err(error) = client.try_publish(topic, QoS::AtLeastOnce, false, payload(sample, ms, *seq)) {
                tracing::debug!(%error, "sample not queued");
            }
        });
    }
}

fn payload(sample: &Sample<'_>, ms: i64, seq: u64) -> String {
    let mut text = format!("{{\"ts\":{ms},\"v\":");
    let _ = if sample.switch { write!(text, "{}", sample.value > 0.5) } else { write!(text, "{}", sample.value) };
    let _ = write!(text, ",\"seq\":{seq}}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_the_contracts() {
        let sample = |value, switch| Sample { tag: "x", value, switch };
        assert_eq!(payload(&sample(1.25, false), 5, 9), "{\"ts\":5,\"v\":1.25,\"seq\":9}");
        assert_eq!(payload(&sample(1.0, true), 5, 9), "{\"ts\":5,\"v\":true,\"seq\":9}");
    }

    #[test]
    fn simulated_danger_stays_on_loopback() {
        let door = Door { address: "192.0.2.1:1884".parse().unwrap(), username: "u".into(), password: "p".into() };
        let result = start(&Tasks::new(), door, &Directory::default(), "chem-01", &Script::quiet());
        assert!(matches!(result, Err(Error::NotLoopback(_))));
    }
}
