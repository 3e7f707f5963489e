//! Disks that are full, exchanged, or may hold only so much.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use runtime::{Metrics, Tasks};
use sim::cameras::Stream;
use video::volume::{Keep, Settings as VolumeSettings, Sync};
use video::{Reason, Settings, Video};

use crate::recording::accounted;
use crate::rig::{camera, listed, open, simulated, until, volume};

/// A small file system of its own; unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    /// None where this machine does not let us mount.
    fn mount(mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={mib}m");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).status();
        done.is_ok_and(|s| s.success()).then(|| Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_continuous_recording_keeps_the_ring_and_resumes_by_itself() {
    let Some(small) = Small::mount(24) else {
        eprintln!("this machine does not let us mount a file system: not run");
        return;
    };
    let tasks = Tasks::new();
    let cameras = simulated(&tasks, &["all".into(), "ring".into()]).await;
    cameras.ready("all", Stream::Main).await.unwrap();
    let settings =
        VolumeSettings { reserve_bytes: 4 << 20, min_free_bytes: 2 << 20, sync: Sync::None, ..volume(small.path()) };
    let mut ring = camera("ring", &cameras.url("ring", Stream::Main));
    ring.keep = Keep::Rolling { minutes: 1.0 };
    let all = camera("all", &cameras.url("all", Stream::Main));
    let settings =
        Settings { volumes: vec![settings], cameras: vec![all, ring], listed: listed(), ..Settings::default() };
    let video = Video::open(settings, &Metrics::default()).unwrap();
    let (all, ring) = (video.camera("all").unwrap().clone(), video.camera("ring").unwrap().clone());
    until("both record", || (all.gap().is_none() && ring.gap().is_none()).then_some(())).await;
    assert!(small.path().join("reserve.bin").exists());

    // Somebody else fills the disk.
    let hog = small.path().join("hog");
    let filled = std::fs::write(&hog, vec![1; 24 << 20]);
    assert!(filled.is_err(), "the disk has no room for it");
    until("continuous recording stops", || (all.gap() == Some(Reason::DiskFull)).then_some(())).await;
    assert!(video.volumes()[0].trouble().is_some() && !small.path().join("reserve.bin").exists());
    until("the ring goes on", || ring.gap().is_none().then_some(())).await;

    std::fs::remove_file(&hog).unwrap();
    until("it resumes by itself", || all.gap().is_none().then_some(())).await;
    assert_eq!(video.volumes()[0].trouble(), None);
    let (_, gaps) = video.recordings(&all, 0, i64::MAX).unwrap();
    accounted(&video, "all", gaps[0].t0, runtime::unix_now() - 1_500_000);
    video.close().await;
    tasks.stop(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_disk_in_the_place_of_a_known_one_is_not_written_to() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let video = open(dir.path(), Vec::new());
    let identity = video.volumes()[0].identity().to_owned();
    video.close().await;
    let known = [("v1".to_owned(), identity)].into();
    let settings = Settings {
        volumes: vec![volume(other.path())],
        cameras: vec![camera("tank", "rtsp://127.0.0.1:9/")],
        known,
        ..Settings::default()
    };
    let video = Video::open(settings, &Metrics::default()).unwrap();
    assert!(video.closed_volumes()[0].1.contains("VOLUME_SWAPPED"), "{:?}", video.closed_volumes());
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0, "nothing was written");
    assert_eq!(video.camera("tank").unwrap().gap(), Some(Reason::DiskError));
    video.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_keeps_no_more_bytes_than_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let cameras = simulated(&tasks, &["tank".into()]).await;
    cameras.ready("tank", Stream::Main).await.unwrap();
    let mut tank = camera("tank", &cameras.url("tank", Stream::Main));
    let limit = 60_000;
    tank.keep = Keep::Continuous { days: 1.0, bytes: Some(limit), priority: 3 };
    let video = open(dir.path(), vec![tank]);
    let held = video.camera("tank").unwrap().clone();
    let gaps = until("old recordings go", || {
        let (_, gaps) = video.recordings(&held, 0, i64::MAX).unwrap();
        gaps.iter().any(|g| g.reason == Reason::Expired).then_some(gaps)
    })
    .await;
    accounted(&video, "tank", gaps[0].t0, runtime::unix_now() - 1_500_000);
    let (segments, _) = video.recordings(&held, 0, i64::MAX).unwrap();
    for located in segments.iter().filter(|l| !l.segment.open) {
        assert!(located.path.exists(), "{located:?}");
    }
    video.close().await;
    tasks.stop(Duration::from_secs(1)).await;
}
