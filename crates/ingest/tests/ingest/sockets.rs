//! Real sockets: Debian's mosquitto_pub, take-over, session present after a restart of the door, stop, caps, stuck halls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ingest::mqtt::{Door, DoorSettings, Limits};
use runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::{Hall, pen, until};

const TOPIC: &str = "fh/v1/plant-a/nh3-1";

struct Client(TcpStream);

impl Client {
    /// Connects and returns the CONNACK.
    async fn open(door: &Door, connect: &[u8]) -> (Self, Vec<u8>) {
        let mut client = Self(TcpStream::connect(door.plain.unwrap()).await.unwrap());
        client.send(connect).await;
        let answer = client.packet().await;
        (client, answer)
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next packet; empty at the end of the stream.
    async fn packet(&mut self) -> Vec<u8> {
        let mut packet = vec![0; 2];
        if tokio::time::timeout(Duration::from_secs(30), self.0.read_exact(&mut packet)).await.unwrap().is_err() {
            return Vec::new();
        }
        let mut len = usize::from(packet[1] & 0x7f);
        if packet[1] & 0x80 != 0 {
            packet.push(self.0.read_u8().await.unwrap());
            len |= usize::from(packet[2]) << 7;
        }
        let head = packet.len();
        packet.resize(head + len, 0);
        self.0.read_exact(&mut packet[head..]).await.unwrap();
        packet
    }
}

async fn open(settings: DoorSettings) -> (Arc<Hall>, Tasks, Door) {
    let (hall, tasks) = (Hall::new(), Tasks::new());
    let door = hall.door(settings, &tasks).await;
    (hall, tasks, door)
}

fn good(n: usize) -> String {
    format!(r#"{{"v":{n}}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debians_mosquitto_pub_in_every_version_and_qos() {
    let (hall, tasks, door) = open(DoorSettings::default()).await;
    let port = door.plain.unwrap().port().to_string();
    for version in ["mqttv311", "mqttv5"] {
        for qos in ["0", "1", "2"] {
            let args = ["-p", &port, "-V", version, "-q", qos, "-t", TOPIC, "-m", r#"{"v":7,"q":"good"}"#];
            let done = tokio::process::Command::new("mosquitto_pub").args(args).status().await;
            assert!(done.expect("Debian package mosquitto-clients").success(), "{version} qos {qos}");
        }
    }
    until("six readings", || hall.readings.lock().len() == 6).await;
    assert!(hall.readings.lock().iter().all(|r| r.value == 7.0));
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_are_acknowledged_only_after_the_commit_and_in_order() {
    let (hall, tasks, door) = open(DoorSettings::default()).await;
    hall.at_once.store(false, Ordering::Relaxed);
    let (mut client, _) = Client::open(&door, &pen::connect(4, 2, "c", &[])).await;
    for id in 1..=1_000u16 {
        client.send(&pen::publish(4, 0x32, TOPIC, id, &good(usize::from(id) % 500))).await;
    }
    client.send(&[0xc0, 0]).await;
    assert_eq!(client.packet().await, [0xd0, 0], "only PINGRESP before the commit");
    until("all readings", || hall.readings.lock().len() == 1_000).await;
    hall.commit();
    for id in 1..=1_000u16 {
        let [high, low] = id.to_be_bytes();
        assert_eq!(client.packet().await, [0x40, 2, high, low]);
    }
    assert_eq!(hall.count("fenghuo_ingest_offered_total"), hall.count("fenghuo_ingest_accepted_total"));
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

/// Found by the bench: the answer to what came with the CONNECT was committed before anyone waited for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_in_one_write_with_the_connect_is_acknowledged() {
    let (_hall, tasks, door) = open(DoorSettings::default()).await;
    let both = [pen::connect(4, 2, "eager", &[]), pen::publish(4, 0x32, TOPIC, 1, &good(1))].concat();
    let (mut client, answer) = Client::open(&door, &both).await;
    assert_eq!(answer, [0x20, 2, 0, 0]);
    assert_eq!(client.packet().await, [0x40, 2, 0, 1]);
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

/// More messages than the window: MQTT 3 is held back and goes on after each commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_window_goes_on_after_the_commit() {
    let limits = Limits { in_flight_max: 10, ..Limits::default() };
    let (_hall, tasks, door) = open(DoorSettings { limits, ..DoorSettings::default() }).await;
    let (mut client, _) = Client::open(&door, &pen::connect(4, 2, "c", &[])).await;
    client.send(&(1..=100).flat_map(|id| pen::publish(4, 0x32, TOPIC, id, &good(1))).collect::<Vec<_>>()).await;
    for id in 1..=100 {
        assert_eq!(client.packet().await, [0x40, 2, 0, id]);
    }
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_is_never_acknowledged() {
    let (hall, tasks, door) = open(DoorSettings::default()).await;
    hall.at_once.store(false, Ordering::Relaxed);
    let (mut client, _) = Client::open(&door, &pen::connect(5, 2, "c", &[])).await;
    client.send(&pen::publish(5, 0x32, TOPIC, 1, &good(1))).await;
    until("the reading", || hall.readings.lock().len() == 1).await;
    hall.fail();
    let last = client.packet().await;
    assert_eq!((last[0], last[2]), (0xe0, 0x83));
    assert!(client.packet().await.is_empty());
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn take_over_comes_after_the_committed_acknowledgements() {
    let (hall, tasks, door) = open(DoorSettings::default()).await;
    let (mut old, _) = Client::open(&door, &pen::connect(5, 2, "same", &[])).await;
    old.send(&pen::publish(5, 0x32, TOPIC, 1, &good(1))).await;
    assert_eq!(old.packet().await, [0x40, 2, 0, 1]);
    let (_new, answer) = Client::open(&door, &pen::connect(5, 2, "same", &[])).await;
    assert_eq!((answer[0], answer[3]), (0x20, 0));
    let last = old.packet().await;
    assert_eq!((last[0], last[2]), (0xe0, 0x8e));
    until("link down", || hall.links.lock().iter().any(|l| !l.up && l.reason == "taken over")).await;
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_device_cannot_take_a_client_id() {
    let (_hall, tasks, door) = open(DoorSettings::default()).await;
    let user = |name: &str| pen::connect(5, 0x82, "same", &pen::text(name));
    let (mut first, _) = Client::open(&door, &user("a")).await;
    let (_, answer) = Client::open(&door, &user("b")).await;
    assert_eq!((answer[0], answer[3]), (0x20, 0x85));
    let (_, answer) = Client::open(&door, &user("nobody")).await;
    assert_eq!((answer[0], answer[3]), (0x20, 0x86), "no detail on which part is wrong");
    first.send(&[0xc0, 0]).await;
    assert_eq!(first.packet().await, [0xd0, 0]);
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_present_survives_a_restart_of_the_door() {
    let (hall, tasks, door) = open(DoorSettings::default()).await;
    let (mut client, answer) = Client::open(&door, &pen::connect_keep(true, "gw")).await;
    assert_eq!(answer[2], 0);
    client.send(&pen::publish(5, 0x34, TOPIC, 8, &good(1))).await;
    assert_eq!(client.packet().await, [0x50, 2, 0, 8]);
    assert!(tasks.stop(Duration::from_secs(5)).await);
    let last = client.packet().await;
    assert_eq!((last[0], last[2]), (0xe0, 0x8b), "told that the hall stops");
    assert_eq!(hall.sessions.lock()["gw"].qos2, [8]);

    let tasks = Tasks::new();
    let door = hall.door(DoorSettings::default(), &tasks).await;
    let (mut client, answer) = Client::open(&door, &pen::connect_keep(false, "gw")).await;
    assert_eq!(answer[2], 1, "session present");
    client.send(&pen::publish(5, 0x3c, TOPIC, 8, &good(1))).await;
    assert_eq!(client.packet().await, [0x50, 2, 0, 8]);
    assert_eq!(hall.readings.lock().len(), 1, "taken once over the restart");
    client.send(&[0x62, 2, 0, 8]).await;
    assert_eq!(client.packet().await, [0x70, 2, 0, 8]);
    let (_, answer) = Client::open(&door, &pen::connect_keep(true, "gw")).await;
    assert_eq!(answer[2], 0, "clean start forgets it");
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retained_and_live_messages_reach_a_subscriber() {
    let (_hall, tasks, door) = open(DoorSettings::default()).await;
    door.outgoing.publish("fenghuo/out/plant-a/siren", b"on", 1, true);
    let (mut client, _) = Client::open(&door, &pen::connect(4, 2, "siren", &[])).await;
    client.send(&pen::subscribe(4, "fenghuo/out/plant-a/#", 1)).await;
    assert_eq!(client.packet().await, [0x90, 3, 0, 7, 1]);
    let want = |first: u8, id: u16, text: &str| pen::publish(4, first, "fenghuo/out/plant-a/siren", id, text);
    assert_eq!(client.packet().await, want(0x33, 1, "on"));
    door.outgoing.publish("fenghuo/out/plant-a/siren", b"off", 0, false);
    assert_eq!(client.packet().await, want(0x30, 0, "off"));
    assert_eq!(door.outgoing.publish("fenghuo/out/plant-b/siren", b"x", 0, false), 0);
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_never_acknowledges_is_cut() {
    let limits = Limits { outgoing_max: 10, outgoing_window: 2, ..Limits::default() };
    let (_hall, tasks, door) = open(DoorSettings { limits, ..DoorSettings::default() }).await;
    let (mut client, _) = Client::open(&door, &pen::connect(5, 2, "siren", &[])).await;
    client.send(&pen::subscribe(5, "fenghuo/out/plant-a/#", 1)).await;
    client.packet().await;
    for _ in 0..20 {
        door.outgoing.publish("fenghuo/out/plant-a/siren", b"on", 1, false);
    }
    let mut last = client.packet().await;
    while last[0] != 0xe0 {
        last = client.packet().await;
    }
    assert_eq!(last[2], 0x97);
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_hall_holds_qos_1_back_and_sheds_qos_0_counted() {
    let (hall, tasks, door) = open(DoorSettings::default()).await;
    let (mut one, _) = Client::open(&door, &pen::connect(4, 2, "one", &[])).await;
    let (mut zero, _) = Client::open(&door, &pen::connect(4, 2, "zero", &[])).await;
    until("both links", || hall.links.lock().len() == 2).await;
    hall.full.store(true, Ordering::Relaxed);
    one.send(&pen::publish(4, 0x32, TOPIC, 1, &good(1))).await;
    zero.send(&pen::publish(4, 0x30, TOPIC, 0, &good(2))).await;
    until("qos 0 shed", || hall.count("fenghuo_ingest_shed_total") == 1).await;
    hall.full.store(false, Ordering::Relaxed);
    assert_eq!(one.packet().await, [0x40, 2, 0, 1]);
    assert_eq!(hall.readings.lock().iter().map(|r| r.value).collect::<Vec<_>>(), [1.0]);
    let (offered, accepted) = (hall.count("fenghuo_ingest_offered_total"), hall.count("fenghuo_ingest_accepted_total"));
    assert_eq!((offered, accepted), (2, 1), "offered = accepted + shed");
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_sockets_idle_clients_and_crowds() {
    let limits = Limits { connect_deadline_us: 300_000, ..Limits::default() };
    let (hall, tasks, door) = open(DoorSettings { limits, connections_max: 2, ..DoorSettings::default() }).await;
    let mut silent = Client(TcpStream::connect(door.plain.unwrap()).await.unwrap());
    assert!(silent.packet().await.is_empty(), "closed at the CONNECT deadline");
    let mut connect = pen::connect(5, 2, "idle", &[]);
    connect[11] = 1; // keep-alive of one second
    let (mut idle, _) = Client::open(&door, &connect).await;
    let last = idle.packet().await;
    assert_eq!((last[0], last[2]), (0xe0, 0x8d));
    until("link down", || hall.links.lock().iter().any(|l| !l.up && l.reason == "keep-alive")).await;
    let (_a, _) = Client::open(&door, &pen::connect(4, 2, "a", &[])).await;
    let (_b, _) = Client::open(&door, &pen::connect(4, 2, "b", &[])).await;
    let mut third = Client(TcpStream::connect(door.plain.unwrap()).await.unwrap());
    assert!(third.packet().await.is_empty(), "beyond the cap");
    assert_eq!(hall.count(r#"fenghuo_mqtt_turned_away_total{reason="connections_max"}"#), 1);
    assert!(tasks.stop(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_tags_and_refusals_are_shown() {
    let (hall, tasks, door) = open(DoorSettings::default()).await;
    let (mut client, _) = Client::open(&door, &pen::connect(4, 2, "gw", &[])).await;
    client.send(&pen::publish(4, 0x32, "fh/v1/plant-a/nh3-2", 1, r#"{"v":3.5}"#)).await;
    client.send(&pen::publish(4, 0x32, TOPIC, 2, "garbage")).await;
    client.packet().await;
    client.packet().await;
    let (pending, overflow) = hall.pending.snapshot(&hall.directory.load());
    assert_eq!((pending.len(), overflow), (1, 0));
    assert_eq!((pending[0].tag.as_str(), pending[0].last_value), ("nh3-2", Some(3.5)));
    assert_eq!(pending[0].nearest, ["nh3-1"]);
    let rejections = hall.rejections.snapshot();
    assert_eq!((rejections[0].code, rejections[0].enterprise.as_str()), ("PAYLOAD_FORMAT", "plant-a"));
    assert_eq!(
        (rejections[0].samples[0].payload.as_str(), rejections[0].samples[0].gateway.as_str()),
        ("garbage", "gw")
    );
    assert!(tasks.stop(Duration::from_secs(5)).await);
}
