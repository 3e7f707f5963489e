//! The demo's cameras through people's door: lists, recordings, an alarm's clip, its export, and who looked.

use std::io::Write as _;
use std::process::Command;

use hall_tests::child::Hall;
use hall_tests::http::Api;
use hall_tests::mqtt::Publisher;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

/// Codec and packets of an MP4, by ffprobe; panics when it complains.
fn probe(bytes: &[u8]) -> (String, u64) {
    let mut file = tempfile::NamedTempFile::with_suffix(".mp4").unwrap();
    file.write_all(bytes).unwrap();
    let shown =
        ["-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0"];
    let out = Command::new("ffprobe").args(shown).arg(file.path()).output().expect("ffprobe (tests/stages.sh setup)");
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    let (codec, packets) = text.split_once(',').unwrap_or_else(|| panic!("{text}"));
    (codec.to_owned(), packets.parse().unwrap())
}

fn cameras(api: &Api) -> Vec<Value> {
    api.get("/api/v1/cameras").1["cameras"].as_array().cloned().unwrap()
}

#[test]
fn the_demo_records_eight_cameras_and_an_alarm_has_its_clip() {
    let dir = tempfile::tempdir().unwrap();
    let hall = Hall::start_with(&dir.path().join("data"), &[]);
    let api = hall.api();
    until("seven cameras are recorded; the eighth waits to be asked for", PATIENCE * 2, || {
        (cameras(&api).iter().filter(|c| c["recording"] == true).count() >= 7).then_some(())
    });
    assert_eq!(cameras(&api).len(), 8);
    let mut door = Publisher::connect(&hall.mqtt_address(), "clip", &hall.device()).unwrap();
    door.publish("fh/v1/chem-01/sphere-1.nh3.01", "{\"v\": 90}");
    let alarm = until("the alarm", PATIENCE, || api.alarms().into_iter().find(|a| a["enterprise"] == "chem-01"));
    let id = alarm["alarm_id"].as_str().unwrap().to_owned();
    let clips = until("clips of the plant's three cameras", PATIENCE, || {
        let (status, body) = api.get(&format!("/api/v1/alarms/{id}/clips"));
        assert_eq!(status, 200, "{body}");
        body["clips"].as_array().cloned().filter(|c| c.len() == 3)
    });
    let clip = clips.iter().find(|c| c["camera"] == "chem-tanks").unwrap();
    assert_eq!(clip["t0"].as_i64().unwrap(), alarm["raised_at"].as_i64().unwrap() - 60_000_000, "the pre-roll");
    let (status, headers, bytes) = api.get_raw(clip["url"].as_str().unwrap());
    assert_eq!((status, headers["content-type"].as_str()), (200, "video/mp4"));
    let (codec, packets) = probe(&bytes);
    assert!(codec == "h264" && packets > 10, "{codec} {packets}");
    exported(&api, &id);
    looked_at(&api, &id);
    refused(&api, &id);
    assert_eq!(hall.stop(), Some(0));
}

/// One file and a manifest that names who took it.
fn exported(api: &Api, alarm: &str) {
    let path = format!("/api/v1/alarms/{alarm}/clips/export");
    let (status, export) = api.post(&path, &json!({"camera": "chem-tanks"}));
    assert_eq!(status, 200, "{export}");
    let name = export["name"].as_str().unwrap();
    assert!(name.starts_with(alarm) && name.ends_with("_by-machine.mp4"), "{name}");
    let (status, _, bytes) = api.get_raw(export["url"].as_str().unwrap());
    assert_eq!((status, bytes.len() as u64), (200, export["bytes"].as_u64().unwrap()));
    probe(&bytes);
    let (status, manifest) = api.get(export["manifest_url"].as_str().unwrap());
    assert_eq!(status, 200);
    assert_eq!((&manifest["exported_by"], &manifest["sha256"]), (&json!("machine"), &export["sha256"]));
}

/// Every view is in the audit chain, and the time bar has no unexplained moment.
fn looked_at(api: &Api, alarm: &str) {
    let (_, audit) = api.get("/api/v1/audit?limit=200");
    for action in ["video.view", "video.export", "video.take"] {
        let rows = audit["rows"].as_array().unwrap();
        assert!(rows.iter().any(|r| r["action"] == action), "nobody knows of {action} on {alarm}");
    }
    let now = cameras(api)[0]["last_frame_at"].as_i64().unwrap();
    let (from, to) = (now - 120_000_000, now - 1_000_000);
    let (_, bar) = api.get(&format!("/api/v1/cameras/chem-tanks/recordings?from={from}&to={to}"));
    let spans = |key: &str| bar[key].as_array().cloned().unwrap();
    let mut all: Vec<(i64, i64)> = spans("segments").iter().chain(&spans("gaps")).map(span).collect();
    all.sort_unstable();
    let mut covered = all[0].0;
    for (t0, t1) in all {
        assert!(t0 <= covered, "{} us without a reason: {bar}", t0 - covered);
        covered = covered.max(t1);
    }
    assert!(covered >= to, "{bar}");
    let segment = &spans("segments")[0];
    let (status, _, bytes) = api.get_raw(&format!("/api/v1/cameras/chem-tanks/segments/{}", segment["id"]));
    assert_eq!(status, 200);
    assert_eq!(probe(&bytes).0, "h264");
}

fn span(row: &Value) -> (i64, i64) {
    (row["t0"].as_i64().unwrap(), row["t1"].as_i64().unwrap_or(i64::MAX))
}

#[track_caller]
fn check(api: &Api, path: &str, wanted: (u16, &str)) {
    let (status, body) = api.get(path);
    assert_eq!((status, body["code"].as_str().unwrap_or_default()), wanted, "{path}: {body}");
    assert!(!body["message_zh"].as_str().unwrap().is_ascii());
}

fn refused(api: &Api, alarm: &str) {
    check(api, "/api/v1/cameras/nobody/recordings?from=0&to=1", (404, "NOT_FOUND"));
    check(api, "/api/v1/cameras/chem-tanks/recordings?from=5&to=5", (422, "FIELD_INVALID"));
    check(api, "/api/v1/cameras/chem-tanks/video?from=0&to=3600000001", (422, "FIELD_INVALID"));
    check(api, "/api/v1/cameras/chem-tanks/video?from=0&to=1000000", (404, "NOT_RECORDED"));
    check(api, "/api/v1/cameras/chem-tanks/segments/999999", (404, "NOT_FOUND"));
    // Row 37: a name with a path in it is no name of an export.
    check(api, &format!("/api/v1/alarms/{alarm}/exports/..%2F..%2Fvolume.json"), (404, "NOT_FOUND"));
    check(api, &format!("/api/v1/alarms/{alarm}/exports/chem-tanks.json"), (404, "NOT_FOUND"));
    let path = format!("/api/v1/alarms/{alarm}/clips/export");
    assert_eq!(api.post(&path, &json!({"camera": "../x"})).0, 404);
}
