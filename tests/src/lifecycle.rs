//! Starting, stopping, and refusing to start: exit codes, locks, versions, the audit chain, help.

use std::path::Path;
use std::process::Command;

use hall_tests::child::{Hall, run};
use hall_tests::mqtt::Publisher;
use hall_tests::served::{Folder, SETTINGS, Served};
use hall_tests::stream::Stream;
use serde_json::json;

use crate::people::{flame, path};

fn said(out: &std::process::Output) -> (Option<i32>, String) {
    let text = [out.stdout.as_slice(), out.stderr.as_slice()].concat();
    (out.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn row_39_an_address_that_is_taken_is_named_with_exit_78() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    for (option, other) in [("--http", "--mqtt"), ("--mqtt", "--http")] {
        let out = run(&["demo", "--no-sim", "--data", &data, option, &address, other, "127.0.0.1:0"]);
        let (code, text) = said(&out);
        assert_eq!(code, Some(78), "{text}");
        assert!(text.contains(&address) && text.contains(option), "{text}");
    }
    let folder = Folder::new();
    folder.write("fenghuo.toml", &SETTINGS.replacen("127.0.0.1:0", &address, 1));
    assert!(folder.refused("serve", 78).contains(&address));
}

#[test]
fn bad_input_40_a_second_instance_is_refused_with_the_pid_of_the_first() {
    let folder = Folder::new();
    let first = Served::start(&folder);
    let text = folder.refused("serve", 75);
    assert!(text.contains(&format!("LOCKED by pid {}", first.pid())), "{text}");
    assert_eq!(folder.run(&["user", "list"]).status.code(), Some(75), "accounts too are one writer's");
    assert_eq!(first.stop(), Some(0));
    assert_eq!(folder.run(&["user", "list"]).status.code(), Some(0));
}

/// Every file of a folder with its bytes, but the lock and SQLite's index of an empty log, which any reader makes.
fn bytes(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_file() && !p.ends_with("fenghuo.lock") && !p.ends_with("journal.db-shm"))
        .map(|p| (p.clone(), std::fs::read(p).unwrap()))
        .filter(|(p, bytes)| !(p.ends_with("journal.db-wal") && bytes.is_empty()))
        .collect();
    all.sort();
    all
}

fn sql(folder: &Path, text: &str) {
    let journal = folder.join("journal.db");
    let script = format!("import sqlite3; c = sqlite3.connect({journal:?}); c.executescript({text:?}); c.close()");
    assert!(Command::new("python3").args(["-c", &script]).status().expect("python3 runs").success());
}

#[test]
fn bad_input_40_data_of_a_newer_version_is_left_alone() {
    let folder = Folder::new();
    assert_eq!(Served::start(&folder).stop(), Some(0));
    sql(&folder.data(), "UPDATE schema_version SET version = 99; PRAGMA wal_checkpoint(TRUNCATE);");
    let before = bytes(&folder.data());
    let text = folder.refused("serve", 65);
    assert!(text.contains("SCHEMA_NEWER have 99 need <= "), "{text}");
    assert!(bytes(&folder.data()) == before, "nothing may be changed");
}

#[test]
fn a_graceful_stop_acknowledges_what_it_took_says_goodbye_and_exits_0() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start(&dir.path().join("data"));
    flame(&hall, "flame.01");
    let mut five = Publisher::connect5(&hall.mqtt_address(), "stopping", &hall.device());
    let mut stream = Stream::open(&hall, None);
    assert_eq!(stream.next().unwrap()["type"], "hello");
    let id = five.send("fh/v1/chem-01/flame.02", r#"{"v":true}"#).unwrap();
    assert_eq!(five.said().unwrap().id, id);
    assert_eq!(hall.stop(), Some(0));
    assert_eq!(five.said().expect("DISCONNECT").reason, 0x8b, "server shutting down");
    let end = std::iter::repeat_with(|| stream.next()).find_map(Result::err).unwrap();
    assert_eq!(end, Some((1001, "stopping".into())));
    let log = std::fs::read_to_string(dir.path().join("data.log")).unwrap();
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("no \"{text}\" in:\n{log}"));
    assert!(at("stopping: doors first") < at("everything acknowledged is durable"), "{log}");
}

#[test]
fn the_audit_chain_is_verified_and_any_flipped_byte_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let hall = Hall::start(&data);
    let alarm = flame(&hall, "flame.01");
    let note = "唯一的一句话";
    let (status, _) = hall.api().post(&path(&alarm, "ack"), &json!({"seq": alarm["seq"], "note": note}));
    assert_eq!(status, 200);
    let (_, head) = hall.api().get("/api/v1/audit/head");
    let written = format!("{}:{}", head["seq"], head["hash"].as_str().unwrap());
    assert_eq!(hall.stop(), Some(0));
    let folder = data.display().to_string();
    let verify = |head: &str| said(&run(&["audit", "verify", "--data", &folder, "--head", head]));
    let (code, text) = verify(&written);
    assert!(code == Some(0) && text.contains("audit chain holds"), "{text}");
    let wrong = format!("{}:{}", head["seq"], "0".repeat(64));
    assert_eq!(verify(&wrong).0, Some(65), "another head than the one written down");
    assert_eq!(verify("nonsense").0, Some(78));
    // One byte of what was said changes in the file.
    sql(&data, "PRAGMA wal_checkpoint(TRUNCATE);");
    let file = data.join("journal.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let at: Vec<usize> = (0..bytes.len() - note.len()).filter(|i| bytes[*i..].starts_with(note.as_bytes())).collect();
    assert!(!at.is_empty());
    for i in at {
        bytes[i + 2] ^= 1;
    }
    std::fs::write(&file, &bytes).unwrap();
    let (code, text) = verify(&written);
    assert!(code == Some(65) && text.contains("broken in"), "{text}");
}

#[test]
fn every_command_has_help_and_doctor_looks_at_the_machine() {
    let commands: [&[&str]; 10] = [
        &[],
        &["demo"],
        &["serve"],
        &["check"],
        &["doctor"],
        &["audit"],
        &["audit", "verify"],
        &["user"],
        &["user", "add"],
        &["device"],
    ];
    for command in commands {
        let (code, text) = said(&run(&[command, &["--help"]].concat()));
        assert!(code == Some(0) && text.contains("Usage:"), "{command:?}: {text}");
    }
    assert_eq!(said(&run(&["odd"])).0, Some(2));
    let out = Folder::new().run(&["doctor"]);
    let (code, text) = said(&out);
    for what in ["clock:", "disk:", "disk sync:", "console:", "MQTT door:", "open files:"] {
        assert!(text.contains(what), "{what}: {text}");
    }
    assert!(matches!(code, Some(0 | 69)), "{code:?}: {text}");
}

#[test]
fn an_account_made_on_the_command_line_gets_in() {
    let folder = Folder::new();
    assert_eq!(Served::start(&folder).stop(), Some(0));
    let config = folder.config();
    let out = run(&["user", "add", "--config", &config, "lead", "值班长", "shift_lead"]);
    let (code, text) = said(&out);
    assert_eq!(code, Some(0), "{text}");
    let password = text.trim().rsplit_once(' ').unwrap().1;
    let served = Served::start(&folder);
    let lead = hall_tests::http::Api::log_in(&served.host, "lead", password);
    assert_eq!(lead.get("/api/v1/me").1["role"], "shift_lead");
    assert_eq!(said(&run(&["user", "add", "--config", &config, "x", "x", "king"])).0, Some(78));
}

fn openssl(dir: &Path, arguments: &str) {
    let status = Command::new("openssl").current_dir(dir).args(arguments.split(' ')).output().expect("openssl runs");
    assert!(status.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&status.stderr));
}

#[test]
fn a_device_gets_in_by_its_certificate_over_tls() {
    let folder = Folder::new();
    let dir = folder.dir.path();
    openssl(dir, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2");
    std::fs::write(dir.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    std::fs::write(dir.join("client"), "subjectAltName=DNS:gw-plant\n").unwrap();
    for (name, extension) in [("hall", "san"), ("gw-plant", "client")] {
        openssl(dir, &format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        let sign = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2";
        openssl(dir, &format!("x509 -req -in {name}.csr {sign} -extfile {extension} -out {name}.pem"));
    }
    let port = crate::main_job::free_port();
    let d = dir.display();
    let tls = format!(
        "[mqtt.tls]\nlisten = \"127.0.0.1:{port}\"\ncertificate = \"{d}/hall.pem\"\nkey = \"{d}/hall.key\"\n\
         client_authority = \"{d}/ca.pem\"\n[[device]]\nusername = \"gw-plant\"\nenterprises = [\"plant\"]\n"
    );
    folder.write("fenghuo.toml", &format!("{SETTINGS}{tls}"));
    let served = Served::start(&folder);
    let admin = hall_tests::http::Api::by_link(&served.link());
    let publish = |certificate: &[&str]| {
        let port = port.to_string();
        let common = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "--cafile",
            "ca.pem",
            "-q",
            "1",
            "-t",
            "fh/v1/plant/gas",
            "-m",
            r#"{"v":60}"#,
        ];
        Command::new("mosquitto_pub")
            .current_dir(dir)
            .args(common)
            .args(certificate)
            .output()
            .expect("mosquitto_pub runs")
            .status
    };
    assert!(!publish(&[]).success(), "without a certificate nobody gets in");
    assert!(publish(&["--cert", "gw-plant.pem", "--key", "gw-plant.key"]).success());
    crate::people::alarm_of(&admin, "gas", |a| a["level"] == "hh");
}
