//! The main job on real input: `mosquitto_pub` in, an alarm on a Python client out, with the contract's fields.

use std::process::{Child, Command, Stdio};

use hall_tests::child::{Hall, top};
use hall_tests::until::{PATIENCE, until};
use serde_json::Value;

/// Every field the contract promises on an alarm frame.
const FIELDS: [&str; 12] = [
    "alarm_id",
    "seq",
    "enterprise",
    "tag",
    "state",
    "priority",
    "value",
    "limit",
    "unit",
    "source_time",
    "detected_at",
    "committed_at",
];

/// A Python client on the `websockets` package, printing the alarm frames of one tag until it has `count`.
fn python_client(hall: &Hall, tag: &str, count: usize) -> Child {
    let python = top().join("target/venv/bin/python");
    assert!(python.exists(), "no Python with websockets: tests/stages.sh setup");
    Command::new(python)
        .arg(top().join("tests/clients/alarms.py"))
        .args([&format!("ws://{}/api/v1/stream?since=0", hall.host()), hall.token(), tag, &count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs")
}

fn mosquitto_pub(address: &str, login: Option<(String, String)>, topic: &str, payload: &str) {
    let (host, port) = address.split_once(':').expect("host:port");
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", host, "-p", port, "-q", "1", "-t", topic, "-m", payload]);
    if let Some((user, password)) = login {
        command.args(["-u", &user, "-P", &password]);
    }
    let status = command.status().expect("mosquitto_pub runs (package mosquitto-clients)");
    assert!(status.success(), "mosquitto_pub {topic} {payload}: {status}");
}

#[track_caller]
fn check_frames(client: Child, tag: &str) {
    let out = client.wait_with_output().expect("the client ends");
    let text = String::from_utf8(out.stdout).expect("text");
    let frames: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let raised = frames.iter().find(|f| f["cause"] == "raised").expect("a raise");
    for field in FIELDS {
        assert!(!raised[field].is_null(), "{field} is missing: {raised}");
    }
    assert_eq!(raised["tag"], tag);
    assert_eq!(raised["state"], "unacknowledged");
    let (source, detected, committed) =
        (raised["source_time"].as_i64(), raised["detected_at"].as_i64(), raised["committed_at"].as_i64());
    assert!(source > Some(1_700_000_000_000_000) && detected > source && committed >= detected, "{raised}");
}

/// The way of A1; how fast it is at 20,000 readings/s is measured by `make bench`: rows P6 and P7 of the README.
#[test]
fn a1_mosquitto_pub_into_the_door_raises_an_alarm_on_a_python_client() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let client = python_client(&hall, "flame.01", 1);
    let topic = "fh/v1/chem-01/flame.01";
    mosquitto_pub(&hall.mqtt_address(), Some(hall.device()), topic, r#"{"v":true}"#);
    check_frames(client, "flame.01");
    let api = hall.api();
    let alarms = api.alarms();
    assert_eq!((alarms.len(), &alarms[0]["unit_id"], &alarms[0]["level"]), (1, &"".into(), &"hh".into()));
}

#[test]
fn a_delay_runs_on_our_clock_too_when_readings_stop() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    let client = python_client(&hall, "sphere-1.nh3.01", 1);
    // On-delay 2 s; one reading only.
    mosquitto_pub(&hall.mqtt_address(), Some(hall.device()), "fh/v1/chem-01/sphere-1.nh3.01", r#"{"v":31.5}"#);
    check_frames(client, "sphere-1.nh3.01");
    assert_eq!(hall.stop(), Some(0), "a graceful stop");
}

#[test]
fn mosquitto_pub_into_a_mosquitto_we_subscribe_to_raises_an_alarm_too() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = mosquitto(dir.path(), port);
    let settings = format!(
        "sites_dir = \"{0}/sites\"\nrules_dir = \"{0}/rules\"\n[[broker]]\nname = \"far\"\nhost = \"127.0.0.1\"\n\
         port = {port}\nfilters = [\"fh/v1/#\"]\n",
        top().join("config/demo").display()
    );
    let file = dir.path().join("fenghuo.toml");
    std::fs::write(&file, settings).unwrap();
    let file = file.display().to_string();
    let hall = Hall::start_with(&dir.path().join("data"), &["--no-sim", "--config", &file]);
    until("the subscription is up", PATIENCE, || {
        let (_, notices) = hall.api().get("/api/v1/notices?limit=100");
        notices["notices"]
            .as_array()?
            .iter()
            .find(|n| n["notice"]["scope"] == "broker/far" && n["notice"]["up"] == true)?;
        Some(())
    });
    let client = python_client(&hall, "flame.02", 1);
    mosquitto_pub(&format!("127.0.0.1:{port}"), None, "fh/v1/chem-01/flame.02", r#"{"v":1}"#);
    check_frames(client, "flame.02");
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

/// A real Mosquitto; killed when dropped.
pub struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn mosquitto(dir: &std::path::Path, port: u16) -> Broker {
    let file = dir.join("mosquitto.conf");
    std::fs::write(&file, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
    let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].into_iter().find(|p| std::path::Path::new(p).exists());
    let program = program.expect("no mosquitto: tests/stages.sh setup");
    let child = Command::new(program).arg("-c").arg(&file).stderr(Stdio::null()).spawn().expect("mosquitto runs");
    let broker = Broker(child);
    until("mosquitto listens", PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    broker
}
