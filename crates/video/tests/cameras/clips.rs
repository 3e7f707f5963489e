//! An alarm keeps what its cameras saw, at once and for as long as it lasts.

use std::time::{Duration, Instant};

use runtime::Tasks;
use sim::cameras::Stream;
use video::clip::{AlarmSeen, ClipState};
use video::volume::Keep;

use crate::rig::{camera, figure, open, probe, simulated, until};

fn alarm(number: u64, raised_at: i64, over_at: Option<i64>) -> AlarmSeen {
    AlarmSeen { alarm: number, enterprise: "chem-01".into(), tag: "sphere-1.nh3.01".into(), raised_at, over_at }
}

async fn recorded_beyond(video: &video::Video, id: &str, at: i64) {
    let held = video.camera(id).unwrap().clone();
    until("the recording goes on", || {
        let (segments, _) = video.recordings(&held, at, i64::MAX).unwrap();
        segments.iter().any(|l| l.segment.t1 > at).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_has_a_playable_clip_with_pre_roll_at_once_and_keeps_it_over_retention() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let cameras = simulated(&tasks, &["tank".into(), "gate".into()]).await;
    cameras.ready("tank", Stream::Main).await.unwrap();
    let mut tank = camera("tank", &cameras.url("tank", Stream::Main));
    // A ring of three seconds: what nobody holds is soon gone.
    tank.keep = Keep::Rolling { minutes: 0.05 };
    let mut gate = camera("gate", &cameras.url("gate", Stream::Main));
    gate.tags = vec!["another.tag".into()];
    let video = open(dir.path(), vec![tank, gate]);
    let held = video.camera("tank").unwrap().clone();
    until("six seconds of recording", || {
        let (segments, _) = video.recordings(&held, 0, i64::MAX).unwrap();
        let seconds: i64 = segments.iter().map(|l| l.segment.t1 - l.segment.t0).sum();
        (seconds > 6_000_000).then_some(())
    })
    .await;

    // The clip is there as soon as the thread has taken the alarm, with what is still being written.
    let raised = runtime::unix_now();
    let began = Instant::now();
    video.clips().alarm(alarm(7, raised, None));
    let clip = until("the clip", || video.clips().of_alarm(7).unwrap().into_iter().next()).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((clip.camera.as_str(), clip.state, clip.t0), ("tank", ClipState::Active, raised - 10_000_000));
    assert!(clip.t1 > raised, "the clip of an alarm that lasts goes on");

    // It is over two seconds later; two more are kept.
    recorded_beyond(&video, "tank", raised + 2_000_000).await;
    let over = runtime::unix_now();
    video.clips().alarm(alarm(7, raised, Some(over)));
    let clip = until("the clip is complete", || {
        video.clips().of_alarm(7).unwrap().into_iter().find(|c| c.state == ClipState::Complete)
    })
    .await;
    assert_eq!(clip.t1, over + 2_000_000);
    let manifest = std::fs::read(dir.path().join("incident/A-000007/tank.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert!(
        files.iter().all(|f| f["sha256"].as_str().unwrap().len() == 64 && f["clock"]["within_us"].is_i64()),
        "{manifest}"
    );

    // The ring has moved on; the clip's seconds are still in the index, and their files are whole.
    until("the ring forgets", || {
        let (_, gaps) = video.recordings(&held, 0, i64::MAX).unwrap();
        gaps.iter().any(|g| g.reason.code() == "expired").then_some(())
    })
    .await;
    let by = "../值班 员";
    let export = video.clips().export(7, "tank", by).unwrap();
    assert!(export.name.starts_with("A-000007_tank_") && export.name.ends_with("_by-_______.mp4"), "{}", export.name);
    let path = video.clips().exported(7, &export.name).unwrap();
    let probed = probe(&path);
    let wanted = (clip.t1 - export.first_picture_at) as f64 / 1e6;
    assert!((figure(&probed, "format.duration") - wanted).abs() < 2.2, "{wanted} s, but\n{probed}");
    assert!(figure(&probed, "nb_read_packets") > 4.0 * 25.0, "{probed}");
    for name in ["../../volume.json", "tank.json", "x_by-duty.mp4", ""] {
        assert_eq!(video.clips().exported(7, name), None, "{name}");
    }
    // Another alarm at the same time shares the files: links are not doubled.
    video.clips().alarm(alarm(8, over, Some(over)));
    until("the second clip", || video.clips().of_alarm(8).unwrap().pop()).await;
    assert!(video.clips().of_alarm(8).unwrap().iter().all(|c| c.camera == "tank"), "gate is linked to another tag");
    video.close().await;
    tasks.stop(Duration::from_secs(1)).await;
}
