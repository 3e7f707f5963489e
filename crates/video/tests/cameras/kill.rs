//! `kill -9` under twenty recording cameras: no file unreadable, at most a fragment lost, every second has its reason.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runtime::Tasks;
use sim::cameras::Stream;

use crate::recording::accounted;
use crate::rig::{camera, open, probe, simulated, until};

const CAMERAS: usize = 20;
/// Files looked at by ffprobe in the end; all are looked at by our own reader.
const PROBED: usize = 60;
const FOLDER: &str = "FENGHUO_TEST_VOLUME";
const COUNT: &str = "FENGHUO_TEST_COUNT";
/// Beside the recordings.
const SEEN: &str = "seen.bin";
const ADDRESS: &str = "FENGHUO_TEST_CAMERAS";

/// Kills in one run: 100 in CI, `FENGHUO_KILLS` in a soak.
fn kills() -> usize {
    std::env::var("FENGHUO_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("camera-{n:02}")).collect()
}

/// The victim: this test's own program, started by the other test below, records until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let (Ok(folder), Ok(address)) = (std::env::var(FOLDER), std::env::var(ADDRESS)) else { return };
    let count = std::env::var(COUNT).ok().and_then(|n| n.parse().ok()).unwrap_or(CAMERAS);
    let cameras = ids(count).iter().map(|id| camera(id, &address.replace("CAMERA", id))).collect();
    let video = open(Path::new(&folder), cameras);
    // What was received, by camera, in a file that survives a kill.
    let seen = std::fs::File::create(Path::new(&folder).join(SEEN)).unwrap();
    loop {
        let all: Vec<u8> = video.cameras().iter().flat_map(|c| c.status().pictures.to_le_bytes()).collect();
        std::os::unix::fs::FileExt::write_all_at(&seen, &all, 0).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Pictures received of each camera, as the victim counted them last.
fn received(folder: &Path) -> Vec<u64> {
    let bytes = std::fs::read(folder.join(SEEN)).unwrap();
    bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Starts the victim with so many cameras.
pub fn start(folder: &Path, address: &str, count: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["kill::victim", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .env(ADDRESS, address)
        .env(COUNT, count.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// One life of the victim.
struct Run {
    from: i64,
    to: i64,
    received: Vec<u64>,
}

/// Every file of a volume.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let list = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|e| e.path());
    let days = list(&folder.join("seg")).flat_map(|day| list(&day).collect::<Vec<_>>());
    days.flat_map(|camera| list(&camera).collect::<Vec<_>>()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout, reason = "the figure of the run")]
async fn kill_100_times_under_20_cameras_leaves_no_file_unreadable_and_no_second_unexplained() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let cameras = simulated(&tasks, &ids(CAMERAS)).await;
    cameras.ready("camera-00", Stream::Main).await.unwrap();
    let address = cameras.url("camera-00", Stream::Main).replace("camera-00", "CAMERA");
    let began = runtime::unix_now();
    let mut killed = Vec::new();
    let mut noise = 88_172_645_463_325_252_u64;
    for n in 0..kills() {
        let before: BTreeSet<PathBuf> = files(dir.path()).into_iter().collect();
        let from = runtime::unix_now();
        let mut victim = start(dir.path(), &address, CAMERAS);
        until(&format!("run {n} records all cameras"), || {
            let begun = files(dir.path()).into_iter().filter(|f| !before.contains(f) && has_fragment(f)).count();
            (begun >= CAMERAS).then_some(())
        })
        .await;
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        tokio::time::sleep(Duration::from_millis(100 + noise % 600)).await;
        victim.kill().unwrap();
        victim.wait().unwrap();
        killed.push(Run { from, to: runtime::unix_now(), received: received(dir.path()) });
    }
    check(dir.path(), began, &killed).await;
    tasks.stop(Duration::from_secs(1)).await;
}

fn has_fragment(path: &Path) -> bool {
    let scanned = std::fs::File::open(path).ok().and_then(|mut file| video::fmp4::scan(&mut file).ok());
    scanned.is_some_and(|(_, fragments, _)| !fragments.is_empty())
}

#[allow(clippy::print_stdout, reason = "the figure of the run")]
async fn check(folder: &Path, began: i64, killed: &[Run]) {
    // A last start repairs what the last kill left; nobody is there to be connected to.
    let nobody = "rtsp://127.0.0.1:9/CAMERA";
    let video = open(folder, ids(CAMERAS).iter().map(|id| camera(id, nobody)).collect());
    let mut lost: Vec<u64> = Vec::new();
    let (mut segments, mut frames) = (0, 0);
    for (place, id) in ids(CAMERAS).into_iter().enumerate() {
        let held = video.camera(&id).unwrap();
        let (all, gaps) = video.recordings(held, 0, i64::MAX).unwrap();
        // From its first row on; the first run began some milliseconds after we did.
        let first = gaps.iter().map(|g| g.t0).chain(all.iter().map(|l| l.segment.t0)).min().unwrap();
        assert!(first - began < 30_000_000, "{id} appears only after {} us", first - began);
        accounted(&video, &id, first, runtime::unix_now());
        for run in killed {
            let of_run = all.iter().filter(|l| (run.from..run.to).contains(&l.segment.t0));
            let kept = of_run.map(|l| l.segment.frames).sum();
            lost.push(run.received[place].saturating_sub(kept));
        }
        for located in &all {
            let mut file = std::fs::File::open(&located.path).unwrap();
            let (_, fragments, whole) = video::fmp4::scan(&mut file).unwrap();
            assert!(!located.segment.open && !fragments.is_empty(), "{located:?}");
            assert_eq!(whole, file.metadata().unwrap().len(), "{} is torn", located.path.display());
            frames += located.segment.frames;
        }
        segments += all.len();
    }
    let unknown = files(folder).len() - segments;
    assert_eq!(unknown, 0, "files that the index does not know");
    let mut sample = files(folder);
    sample.sort();
    let step = (sample.len() / PROBED).max(1);
    sample.iter().step_by(step).for_each(|f| drop(probe(f)));
    lost.sort_unstable();
    let at = |share: usize| lost[(lost.len() - 1) * share / 100];
    println!(
        "{} kills under {CAMERAS} cameras: {segments} files, {frames} pictures, 0 unreadable, 0 seconds unexplained; \
         pictures received and not kept of a camera: median {}, p99 {}, most {}",
        killed.len(),
        at(50),
        at(99),
        at(100)
    );
    // A fragment of 200 ms is five pictures and goes to the writer with the one after it.
    assert!(at(99) <= 6 && at(100) <= 12, "of what was received, {} pictures are not there", at(100));
    video.close().await;
}
