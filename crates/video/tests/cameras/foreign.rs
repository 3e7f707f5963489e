//! Against GStreamer's RTSP server, which nobody here wrote, and against servers that are none.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::rig::{camera, figure, open, probe, until};

/// GStreamer's RTSP server; killed when dropped.
struct Gstreamer {
    process: Child,
    port: String,
}

impl Gstreamer {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/rtsp_server.py");
        let command = Command::new("/usr/bin/python3").arg(script).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = command.expect("python3 of Debian");
        let mut port = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        lines.read_line(&mut port).unwrap();
        assert!(!port.trim().is_empty(), "GStreamer's RTSP server does not start: tests/stages.sh setup installs it");
        Self { process, port: port.trim().to_owned() }
    }

    fn url(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Gstreamer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gstreamer_h264_h265_sound_and_motion_jpeg_are_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let server = Gstreamer::start();
    let cameras: Vec<_> = ["h264", "h265", "mjpeg", "sound"].iter().map(|p| camera(p, &server.url(p))).collect();
    let mut over_udp = camera("udp", &server.url("h264"));
    over_udp.udp = true;
    let cameras = cameras.into_iter().chain([over_udp]).collect();
    let video = open(dir.path(), cameras);
    for (id, codec) in [("h264", "h264"), ("h265", "hevc"), ("mjpeg", "mjpeg"), ("sound", "h264"), ("udp", "h264")] {
        let held = video.camera(id).unwrap().clone();
        let closed = until(&format!("a closed segment of {id}"), || {
            let (segments, _) = video.recordings(&held, 0, i64::MAX).unwrap();
            segments.into_iter().find(|l| !l.segment.open && l.segment.frames > 40)
        })
        .await;
        let probed = probe(&closed.path);
        assert!(probed.contains(&format!("codec_name=\"{codec}\"")), "{id}: {probed}");
        assert_eq!(figure(&probed, "nb_read_packets") as u64, closed.segment.frames, "{id}: {probed}");
        // Decoded as well; the first pictures of a stream that was joined may be short of a reference.
        assert!(figure(&probed, "nb_read_frames") >= closed.segment.frames as f64 - 2.0, "{id}: {probed}");
        if id == "sound" {
            let all =
                Command::new("ffprobe").args(["-v", "error", "-show_streams"]).arg(&closed.path).output().unwrap();
            let text = String::from_utf8_lossy(&all.stdout).into_owned();
            assert!(text.contains("codec_name=aac") && all.stderr.is_empty(), "{text}");
        }
    }
    video.close().await;
}
