//! What recording many streams costs, with the cameras' own cost in another process: `FENGHUO_STREAMS=200` and
//! `FENGHUO_STREAM_SECONDS=20` measure; the usual run is small and checks that nothing is dropped.

use std::path::Path;
use std::time::Duration;

use runtime::Tasks;
use sim::cameras::Stream;

use crate::kill::{files, start};
use crate::rig::{open, simulated, until};

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Seconds of CPU, and MiB resident, of a process.
fn used(pid: u32) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |i: usize| fields[i].parse::<f64>().unwrap();
    // Fields 14 and 15 of proc(5), in hundredths of a second; 24 in pages of 4 KiB.
    ((ticks(11) + ticks(12)) / 100.0, ticks(21) / 256.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout, reason = "the figure of the run")]
async fn streams_are_recorded_without_a_drop() {
    let (streams, seconds) = (number("FENGHUO_STREAMS", 20), number("FENGHUO_STREAM_SECONDS", 5));
    let dir = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let ids: Vec<String> = (0..streams).map(|n| format!("camera-{n:02}")).collect();
    let cameras = simulated(&tasks, &ids).await;
    cameras.ready("camera-00", Stream::Main).await.unwrap();
    let address = cameras.url("camera-00", Stream::Main).replace("camera-00", "CAMERA");
    let mut recorder = start(dir.path(), &address, streams);
    until("all streams are recorded", || (files(dir.path()).len() >= streams).then_some(())).await;
    let before = used(recorder.id());
    tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
    let after = used(recorder.id());
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    let cpu = (after.0 - before.0) / seconds as f64 * 100.0;
    let pictures = recorded(dir.path(), &ids).await;
    println!(
        "{streams} streams for {seconds} s: {cpu:.1} % of a core, {:.3} % a stream; {:.1} MiB, {:.2} MiB a stream; {pictures} pictures",
        cpu / streams as f64,
        after.1,
        after.1 / streams as f64
    );
    tasks.stop(Duration::from_secs(1)).await;
}

/// Pictures recorded; every stream must have its share, without a gap in between.
async fn recorded(folder: &Path, ids: &[String]) -> u64 {
    let cameras = ids.iter().map(|id| crate::rig::camera(id, "rtsp://127.0.0.1:9/")).collect();
    let video = open(folder, cameras);
    let mut pictures = 0;
    for id in ids {
        let (segments, gaps) = video.recordings(video.camera(id).unwrap(), 0, i64::MAX).unwrap();
        let odd: Vec<_> =
            gaps.iter().filter(|g| !["starting", "killed", "offline"].contains(&g.reason.code())).collect();
        assert!(odd.is_empty(), "{id}: {odd:?}");
        pictures += segments.iter().map(|l| l.segment.frames).sum::<u64>();
    }
    video.close().await;
    pictures
}
