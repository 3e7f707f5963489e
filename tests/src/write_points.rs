//! A kill at every write of a short run of the whole program: before each write and each sync in turn, the program is
//! ended by SIGKILL. What was acknowledged until then must be there afterwards, once.
//! The run starts on data of an earlier run: a first start lays out its files with 12,000 writes before it is open.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hall_tests::child::{binary, run};
use hall_tests::http::Api;
use hall_tests::mqtt::Publisher;
use hall_tests::until::{PATIENCE, until};
use serde_json::{Value, json};

/// Calls that reach the disk. Sockets and pipes are written by `writev` and `sendto`, or do not count.
const CALLS: &str = "pwrite64,fdatasync,fsync,ftruncate,unlink,rename";
/// Readings of a run.
const READINGS: usize = 6;

/// Every point in a soak (`FENGHUO_ALL_POINTS=1`); every so-manieth in CI.
fn stride() -> usize {
    if std::env::var_os("FENGHUO_ALL_POINTS").is_some() { 1 } else { 5 }
}

/// What the world outside knows of one run.
#[derive(Default)]
struct Account {
    /// Source times of acknowledged readings, milliseconds.
    readings: Vec<i64>,
    /// Comments with a 200.
    comments: Vec<String>,
    /// The run came to its end.
    survived: bool,
}

/// A hall that is killed when one of its threads makes its `point`-th call (strace counts by thread).
struct Doomed {
    program: Child,
    access: PathBuf,
}

impl Doomed {
    fn start(data: &Path, point: usize) -> Self {
        let access = data.with_extension("access.json");
        let _ = std::fs::remove_file(&access);
        // -D: strace is the grandchild, so that the process we end and wait for is the hall itself.
        let program = Command::new("strace")
            .args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={CALLS}")])
            .args(["-e", &format!("inject={CALLS}:signal=SIGKILL:when={point}")])
            .arg(binary())
            .args(["demo", "--no-sim", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--access-file")
            .arg(&access)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace runs: tests/stages.sh setup");
        Self { program, access }
    }

    /// How to get in; none if it died before it was open.
    fn open(&mut self) -> Option<Value> {
        until("the hall is open or dead", PATIENCE, || {
            let ended = self.program.try_wait().expect("its state").is_some();
            let access = std::fs::read(&self.access).ok().and_then(|b| serde_json::from_slice(&b).ok());
            if access.is_some() || ended { Some(access.filter(|_| !ended)) } else { None }
        })
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn text<'a>(access: &'a Value, key: &str) -> &'a str {
    access[key].as_str().unwrap_or_default()
}

/// Publishes, acknowledges, comments, until the hall is dead or all is done.
fn live(access: &Value, account: &mut Account) -> Option<()> {
    let mqtt = &access["mqtt"];
    let login = (text(mqtt, "username").to_owned(), text(mqtt, "password").to_owned());
    let mut door = Publisher::connect(&format!("127.0.0.1:{}", mqtt["port"]), "doomed", &login).ok()?;
    let host = text(access, "console_url").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let api = Api::new(&host, text(access, "token"));
    for i in 0..READINGS {
        let ts = 1_795_000_000_000 + i as i64 * 1_000;
        let id = door.send("fh/v1/chem-01/flame.01", &format!(r#"{{"ts":{ts},"v":{}}}"#, i % 2 == 0)).ok()?;
        (door.acknowledged().ok()? == id).then_some(())?;
        account.readings.push(ts);
        let open = api.try_get("/api/v1/alarms")?.1;
        let Some(alarm) = open["alarms"].as_array()?.iter().find(|a| a["tag"] == "flame.01") else { continue };
        let said = format!("第 {i} 条");
        let path = format!("/api/v1/alarms/{}/comment", alarm["alarm_id"].as_str()?);
        let (status, _) = api.try_post(&path, &json!({"seq": alarm["seq"], "text": said}))?;
        if status == 200 {
            account.comments.push(said);
        }
    }
    account.survived = true;
    Some(())
}

/// Starts it again without a fault and looks at what is there.
fn check(data: &Path, account: &Account, point: usize) {
    let folder = data.display().to_string();
    let hall = hall_tests::child::Hall::start(data);
    let api = hall.api();
    // A reading is in the history once, if it was acknowledged; one that was not may be there or not.
    let from = 1_794_999_000_000_000_i64;
    let url = format!("/api/v1/history?tag=chem-01/flame.01&from={from}&to={}&points=5000", from + 100_000_000_000);
    until("every acknowledged reading is there once", PATIENCE, || {
        let points = api.get(&url).1["points"].clone();
        let times: Vec<(i64, u64)> =
            points.as_array()?.iter().map(|p| Some((p["t"].as_i64()?, p["count"].as_u64()?))).collect::<Option<_>>()?;
        let once = |ms: &i64| times.iter().filter(|(t, _)| *t == ms * 1_000).map(|(_, n)| n).sum::<u64>() == 1;
        let all = account.readings.iter().all(once);
        all.then_some(())
    });
    let mut raised: Vec<i64> = Vec::new();
    let mut said: Vec<String> = Vec::new();
    let (_, list) = api.get("/api/v1/alarms?state=all");
    for alarm in list["alarms"].as_array().unwrap().iter().filter(|a| a["tag"] == "flame.01") {
        let (_, life) = api.get(&format!("/api/v1/alarms/{}", alarm["alarm_id"].as_str().unwrap()));
        for event in life["events"].as_array().unwrap() {
            if event["cause"] == "raised" {
                raised.push(event["source_time"].as_i64().unwrap());
            }
            if event["cause"] == "commented" {
                said.push(event["note"].as_str().unwrap().to_owned());
            }
        }
    }
    // Every other reading is a fire; each that was acknowledged was raised, once.
    for ms in account.readings.iter().step_by(2) {
        let times = raised.iter().filter(|t| **t == ms * 1_000).count();
        assert_eq!(times, 1, "point {point}: raised {times} times by the reading of {ms} ms: {raised:?}");
    }
    for comment in &account.comments {
        assert_eq!(said.iter().filter(|s| *s == comment).count(), 1, "point {point}: {comment} in {said:?}");
    }
    assert_eq!(hall.stop(), Some(0), "point {point}");
    let out = run(&["audit", "verify", "--data", &folder]);
    assert!(out.status.success(), "point {point}: {}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn killed_at_any_write_nothing_acknowledged_is_lost_or_doubled() {
    let first = tempfile::tempdir().unwrap();
    let laid_out = first.path().join("data");
    assert_eq!(hall_tests::child::Hall::start(&laid_out).stop(), Some(0));
    let mut point = 1;
    let mut killed = 0;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let copied = Command::new("cp").arg("-a").args([&laid_out, &data]).status().expect("cp runs");
        assert!(copied.success());
        let mut account = Account::default();
        let mut doomed = Doomed::start(&data, point);
        if let Some(access) = doomed.open() {
            live(&access, &mut account);
        }
        drop(doomed);
        check(&data, &account, point);
        if account.survived {
            break;
        }
        killed += 1;
        point += stride();
        assert!(point < 20_000, "a short run has no {point} writes");
    }
    assert!(killed >= 5, "killed only {killed} times: no run");
}
