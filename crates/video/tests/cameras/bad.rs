//! Cameras that are wrong, each with a clear state, and another one beside them that does not notice.

use std::time::Duration;

use runtime::Tasks;
use sim::cameras::{Fault, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use video::session::State;

use crate::rig::{camera, open, simulated, until};

/// Answers every connection with a text, whatever is asked.
async fn talker(text: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[allow(clippy::disallowed_methods, reason = "a test's own server")]
    tokio::spawn(async move {
        let mut clients = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client.read(&mut [0; 4_096]).await;
            let _ = client.write_all(text).await;
            clients.push(client);
        }
    });
    format!("rtsp://{address}/")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_camera_says_what_is_wrong_and_the_right_one_records() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let cameras = simulated(&tasks, &["right".into(), "locked".into(), "garbled".into()]).await;
    cameras.ready("right", Stream::Main).await.unwrap();
    cameras.inject("locked", Fault::Unauthorized).unwrap();
    let html = talker(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>").await;
    let sdp = talker(
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 11\r\n\r\nv=0\r\nm=\xff\xff\r\n",
    )
    .await;
    let video = open(
        dir.path(),
        vec![
            camera("right", &cameras.url("right", Stream::Main)),
            camera("locked", &cameras.url("locked", Stream::Main)),
            camera("garbled", &cameras.url("garbled", Stream::Main)),
            camera("missing", &cameras.url("nobody", Stream::Main)),
            camera("html", &html),
            camera("sdp", &sdp),
            camera("away", "rtsp://127.0.0.1:9/"),
            camera("forbidden", "rtsp://169.254.169.254/"),
            camera("forbidden-name", "rtsp://0xa9fea9fe/"),
            camera("unknown", "rtsp://no-such-host.invalid/"),
        ],
    );
    for (id, codes) in [
        ("locked", &["AUTH_FAILED"][..]),
        ("missing", &["RTSP_REFUSED"]),
        ("html", &["RTSP_PROTOCOL"]),
        ("sdp", &["RTSP_PROTOCOL", "CODEC_UNSUPPORTED"]),
        ("away", &["CAMERA_UNREACHABLE"]),
        ("forbidden", &["URL_FORBIDDEN_NET"]),
        // How a resolver reads a number is its own business; what comes out is judged.
        ("forbidden-name", &["URL_FORBIDDEN_NET", "HOST_UNKNOWN"]),
        ("unknown", &["HOST_UNKNOWN"]),
    ] {
        let held = video.camera(id).unwrap().clone();
        let trouble = until(&format!("the trouble of {id}"), || held.status().trouble).await;
        assert!(codes.contains(&trouble.code), "{id}: {trouble:?}");
        let gap = until(&format!("the gap of {id}"), || held.gap().filter(|g| *g != video::Reason::Starting)).await;
        assert_eq!(gap, trouble.reason, "{id}");
    }
    let locked = video.camera("locked").unwrap().status();
    assert_eq!(locked.state, State::AuthFailed);
    let wait = locked.retry_at.unwrap() - locked.trouble_at;
    assert!(wait >= 299_000_000, "a locked account is tried again after {} s", wait / 1_000_000);

    // Garbage in the middle of a stream: it connects anew; the others do not notice.
    let garbled = video.camera("garbled").unwrap().clone();
    until("garbled records", || garbled.gap().is_none().then_some(())).await;
    cameras.inject("garbled", Fault::Garbage).unwrap();
    until("garbled has trouble", || garbled.status().trouble).await;
    until("garbled records again", || garbled.gap().is_none().then_some(())).await;
    let right = video.camera("right").unwrap().status();
    assert_eq!((right.state, right.trouble), (State::Receiving, None));
    video.close().await;
    tasks.stop(Duration::from_secs(1)).await;
}
