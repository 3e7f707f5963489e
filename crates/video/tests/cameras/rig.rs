//! A room on a folder of its own, simulated cameras, and what a test asks of both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use config::address::Net;
use runtime::{Metrics, Tasks};
use video::volume::{Keep, Settings as VolumeSettings, Sync};
use video::{Camera, Settings, Video};

/// Usual patience with a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A camera that keeps everything.
pub fn camera(id: &str, url: &str) -> Camera {
    Camera {
        id: id.into(),
        name_zh: "储罐区".into(),
        name_en: "Tank farm".into(),
        enterprise: "chem-01".into(),
        url: url.parse().expect("an address"),
        sub_url: None,
        login: None,
        udp: false,
        keep: Keep::Continuous { days: 1.0, bytes: None, priority: 3 },
        tags: Vec::new(),
        around_us: (10_000_000, 2_000_000),
        volume: None,
    }
}

/// A disk in a folder, with short segments.
pub fn volume(path: &Path) -> VolumeSettings {
    VolumeSettings {
        id: "v1".into(),
        path: path.to_owned(),
        lengths: video::volume::recorder::Lengths {
            segment: Duration::from_secs(4),
            fragment: Duration::from_millis(200),
        },
        sync: Sync::Fdatasync,
        reserve_bytes: 0,
        min_free_bytes: 0,
        clips_max: 0.9,
    }
}

/// Simulated cameras are on this machine.
pub fn listed() -> Vec<Net> {
    vec![Net::parse("127.0.0.0/8").expect("a range")]
}

/// Opens a room with these cameras on one disk.
pub fn open(path: &Path, cameras: Vec<Camera>) -> Arc<Video> {
    let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_test_writer().try_init();
    let settings = Settings { volumes: vec![volume(path)], cameras, listed: listed(), ..Settings::default() };
    Arc::new(Video::open(settings, &Metrics::default()).expect("the room opens"))
}

/// Simulated cameras, all looking at the same places.
pub async fn simulated(tasks: &Tasks, ids: &[String]) -> sim::cameras::Handle {
    use sim::cameras::{Camera, Place, Settings, serve};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let cameras = ids.iter().map(|id| Camera::new(id, Place::TankFarm)).collect();
    let clips = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("camera-clips");
    serve(tasks, listener, Settings::new(cameras, clips)).await.expect("cameras")
}

/// Asks until there is an answer.
pub async fn until<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What ffprobe says of a file, as `key=value` lines; panics when it complains.
pub fn probe(file: &Path) -> String {
    let arguments = ["-v", "error", "-count_packets", "-count_frames", "-select_streams", "v", "-show_entries"];
    let shown =
        "stream=codec_name,width,height,nb_read_frames,nb_read_packets,start_time,duration:format=duration,start_time";
    let out = std::process::Command::new("ffprobe").args(arguments).arg(shown).args(["-of", "flat"]).arg(file).output();
    let out = out.expect("ffprobe is installed (tests/stages.sh setup)");
    let complaint = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && complaint.is_empty(), "{}: {complaint}", file.display());
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A number of what ffprobe says.
pub fn figure(probed: &str, key: &str) -> f64 {
    let line = probed.lines().find(|l| l.split('=').next().is_some_and(|k| k.ends_with(key)));
    let text = line.and_then(|l| l.split('=').nth(1)).unwrap_or_else(|| panic!("no {key} in\n{probed}"));
    text.trim_matches('"').parse().unwrap_or_else(|_| panic!("{key} is no number in\n{probed}"))
}
