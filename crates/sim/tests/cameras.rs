//! The simulated cameras seen by clients nobody here wrote: retina, ffprobe, plain sockets.

mod eyes;
mod faults;
mod hostile;

use std::process::Command;
use std::time::Duration;

use eyes::{Eyes, Over, clips};
use runtime::Tasks;
use sim::cameras::{Camera, CamerasError, Fault, Handle, Login, Place, Settings, Size, Stream, serve};

/// A server with two cameras, on a port of its own.
async fn server(tasks: &Tasks, change: impl FnOnce(&mut Settings)) -> Handle {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cameras = vec![Camera::new("tank", Place::TankFarm), Camera::new("gate", Place::Gate).at_night()];
    let mut settings = Settings::new(cameras, clips());
    change(&mut settings);
    serve(tasks, listener, settings).await.unwrap()
}

#[tokio::test]
async fn retina_reads_pictures_over_tcp_and_udp() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    for (over, stream, pixels) in [(Over::Tcp, Stream::Main, (704, 576)), (Over::Udp, Stream::Sub, (352, 288))] {
        let mut eyes = Eyes::open(&handle.url("gate", stream), over, None).await.unwrap();
        let frames = eyes.frames(110).await.unwrap();
        assert!(frames[0].key, "a session begins with a key picture");
        assert_eq!(frames.iter().filter(|f| f.key).count(), 3, "one key picture every two seconds");
        assert!(frames.iter().all(|f| f.loss == 0));
        assert!(frames.windows(2).all(|w| w[1].time - w[0].time == 3_600), "25 pictures a second");
        assert_eq!(eyes.pixels(), pixels);
        assert_eq!(eyes.reports.len(), 1, "a sender report at the beginning, the next after five seconds");
        eyes.close().await;
    }
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn logins_are_asked_for() {
    for (login, name) in [
        (Login::Basic { user: "admin".into(), password: "fh-12345".into() }, "basic"),
        (Login::Digest { user: "admin".into(), password: "fh-12345".into() }, "digest"),
    ] {
        let tasks = Tasks::new();
        let handle = server(&tasks, |s| s.login = login).await;
        let url = handle.url("tank", Stream::Sub);
        for over in [Over::Tcp, Over::Udp] {
            let mut eyes = Eyes::open(&url, over, Some(("admin", "fh-12345"))).await.unwrap();
            assert_eq!(eyes.frames(30).await.unwrap().len(), 30, "{name} {over:?}");
            eyes.close().await;
        }
        let error = Eyes::open(&url, Over::Tcp, Some(("admin", "wrong"))).await.err().expect("refused");
        assert!(error.contains("401"), "{name}: {error}");
        let error = Eyes::open(&url, Over::Tcp, None).await.err().expect("refused");
        assert!(error.contains("401") || error.contains("Unauthorized"), "{name}: {error}");
        assert!(handle.counts().unauthorized.get() >= 4);
        assert!(tasks.stop(Duration::from_secs(2)).await);
    }
}

/// ffprobe is a validator of tests, never a part of the program; the set-up installs it.
#[tokio::test]
async fn ffprobe_reads_a_scene_over_both_ways() {
    let tasks = Tasks::new();
    let handle =
        server(&tasks, |s| s.login = Login::Digest { user: "admin".into(), password: "fh-12345".into() }).await;
    handle.ready("tank", Stream::Sub).await.unwrap();
    let url = handle.url("tank", Stream::Sub).replace("rtsp://", "rtsp://admin:fh-12345@");
    for way in ["tcp", "udp"] {
        let url = url.clone();
        let probe = tokio::task::spawn_blocking(move || {
            let show = "stream=codec_name,width,height,nb_read_frames,profile";
            Command::new("ffprobe")
                .args(["-v", "error", "-rtsp_transport", way, "-read_intervals", "%+3", "-count_frames"])
                .args(["-show_entries", show, "-of", "default=noprint_wrappers=1", &url])
                .output()
        });
        let out = probe.await.unwrap().expect("ffprobe is installed by the set-up");
        let (said, erred) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(
            said.contains("codec_name=h264") && said.contains("width=352") && said.contains("height=288"),
            "{said}"
        );
        let frames = said.lines().find_map(|l| l.strip_prefix("nb_read_frames=")?.parse::<u32>().ok()).unwrap_or(0);
        assert!(frames >= 70, "{way}: {frames} frames in 3 s: {said}{erred}");
        assert!(!erred.contains("error while decoding"), "{way}: {erred}");
    }
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn a_silent_session_times_out_and_keep_alive_holds_it() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |s| s.session_timeout = Duration::from_secs(2)).await;
    handle.ready("tank", Stream::Sub).await.unwrap();
    let url = handle.url("tank", Stream::Sub);
    // retina sends GET_PARAMETER at half the time-out.
    let mut eyes = Eyes::open(&url, Over::Udp, None).await.unwrap();
    assert_eq!(eyes.frames(100).await.unwrap().len(), 100);
    assert_eq!(handle.counts().timed_out.get(), 0);
    eyes.close().await;
    let mut silent = hostile::Plain::playing(&handle, "tank").await;
    silent.read_to_end(Duration::from_secs(10)).await;
    assert_eq!(handle.counts().timed_out.get(), 1);
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn cameras_are_seen_on_loopback_only_and_by_their_names() {
    let tasks = Tasks::new();
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve(&tasks, listener, Settings::new(Vec::new(), clips())).await;
    assert!(matches!(refused, Err(CamerasError::NotLoopback(_))));
    let handle = server(&tasks, |_| {}).await;
    assert!(matches!(handle.inject("nobody", Fault::Stall), Err(CamerasError::Unknown(_))));
    let error = Eyes::open(&handle.url("nobody", Stream::Main), Over::Tcp, None).await.err().unwrap();
    assert!(error.contains("404"), "{error}");
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

/// The bench's source: HD exists and is what it says.
#[tokio::test]
async fn a_main_stream_may_be_larger() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |s| s.cameras[0].main = Size::Cif).await;
    let mut eyes = Eyes::open(&handle.url("tank", Stream::Main), Over::Tcp, None).await.unwrap();
    eyes.frames(2).await.unwrap();
    assert_eq!(eyes.pixels(), (352, 288));
    assert!(tasks.stop(Duration::from_secs(2)).await);
}
