//! From a camera to a file that any player opens, with every second accounted for.

use runtime::Tasks;
use sim::cameras::Stream;

use crate::rig::{camera, figure, open, probe, simulated, until};

/// Every microsecond of `[from, to)` lies in a segment or a gap.
#[track_caller]
pub fn accounted(video: &video::Video, id: &str, from: i64, to: i64) {
    let held = video.camera(id).unwrap();
    let (segments, gaps) = video.recordings(held, from, to).unwrap();
    let mut spans: Vec<(i64, i64)> = segments.iter().map(|l| (l.segment.t0, l.segment.t1)).collect();
    spans.extend(gaps.iter().map(|g| (g.t0, g.t1.unwrap_or(i64::MAX))));
    spans.sort_unstable();
    let mut covered = from;
    for (t0, t1) in spans {
        assert!(t0 <= covered, "{id}: {} us without a reason at {covered}\n{segments:#?}\n{gaps:#?}", t0 - covered);
        covered = covered.max(t1);
    }
    assert!(covered >= to, "{id}: nothing is said of the last {} us\n{gaps:#?}", to - covered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_recorded_into_files_that_ffprobe_accepts() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let cameras = simulated(&tasks, &["tank".into()]).await;
    cameras.ready("tank", Stream::Main).await.unwrap();
    let began = runtime::unix_now();
    let video = open(dir.path(), vec![camera("tank", &cameras.url("tank", Stream::Main))]);
    let held = video.camera("tank").unwrap().clone();
    let closed = until("two closed segments", || {
        let (segments, _) = video.recordings(&held, began, i64::MAX).unwrap();
        let closed: Vec<_> = segments.into_iter().filter(|l| !l.segment.open).collect();
        (closed.len() >= 2).then_some(closed)
    })
    .await;
    for located in &closed {
        let probed = probe(&located.path);
        assert_eq!(figure(&probed, "nb_read_packets") as u64, located.segment.frames, "{probed}");
        let seconds = (located.segment.t1 - located.segment.t0) as f64 / 1e6;
        assert!((figure(&probed, "format.duration") - seconds).abs() < 0.3, "{seconds} s, but\n{probed}");
        assert_eq!(std::fs::metadata(&located.path).unwrap().len(), located.segment.bytes);
    }
    assert_eq!(closed[0].segment.t1, closed[1].segment.t0, "a seam");
    // The room opened a few milliseconds after we began.
    let (_, gaps) = video.recordings(&held, began, i64::MAX).unwrap();
    accounted(&video, "tank", gaps[0].t0, runtime::unix_now() - 1_000_000);
    video.close().await;
    tasks.stop(std::time::Duration::from_secs(1)).await;
}
