//! One letter a picture: `K` key, `p` other, at 25 a second; what lies between letters is time.

use super::*;

const LENGTHS: Lengths = Lengths { segment: Duration::from_secs(2), fragment: Duration::from_millis(200) };

/// A camera under test, with both clocks in hand.
struct Camera {
    recorder: Recorder,
    track: Arc<Track>,
    began: Instant,
    /// Milliseconds since the beginning by the clock that is never set, and what the wall clock is off.
    now_ms: i64,
    wall_off_ms: i64,
    rtp_off: i64,
    seen: Vec<String>,
    appended: u32,
}

fn track(width: u16) -> Arc<Track> {
    let entry = Bytes::from_static(b"\x00\x00\x00\x0cavc1abcd");
    Arc::new(Track {
        codec: Codec::H264,
        rfc6381: "avc1".into(),
        width,
        height: 100,
        clock_hz: 90_000,
        sample_entry: entry,
    })
}

impl Camera {
    fn new() -> Self {
        Self {
            // 255: the first segment is as long as the others, but for half a percent.
            recorder: Recorder::new(LENGTHS, 255),
            track: track(100),
            began: Instant::now(),
            now_ms: 0,
            wall_off_ms: 0,
            rtp_off: 0,
            seen: Vec::new(),
            appended: 0,
        }
    }

    fn send(&mut self, key: bool) {
        let frame = Frame {
            track: self.track.clone(),
            bytes: Bytes::from_static(b"picture"),
            rtp: self.now_ms * 90 + self.rtp_off,
            received_us: (self.now_ms + self.wall_off_ms) * 1_000,
            received: self.began + Duration::from_millis(self.now_ms as u64),
            key,
            loss: 0,
        };
        let actions = self.recorder.push(Arc::new(frame));
        self.note(actions);
        self.now_ms += 40;
    }

    fn play(&mut self, letters: &str) -> &mut Self {
        letters.chars().for_each(|c| self.send(c == 'K'));
        self
    }

    fn note(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Begin { t0, .. } => self.seen.push(format!("begin {}", t0 / 1_000)),
                Action::Append(part) => self.appended += part.frames,
                Action::End { t1, gap } => {
                    let gap = gap.map_or("-", Reason::code);
                    self.seen.push(format!("end {} {gap}", t1 / 1_000));
                }
                Action::Pause { t0, t1, reason } => {
                    self.seen.push(format!("pause {}..{} {}", t0 / 1_000, t1 / 1_000, reason.code()));
                }
            }
        }
    }

    /// Stops and compares what was told, and that no picture since the first key frame was lost.
    #[track_caller]
    fn check(&mut self, pictures: u32, wanted: &[&str]) {
        let actions = self.recorder.stop(Reason::Stopped);
        self.note(actions);
        assert_eq!(self.seen, wanted);
        assert_eq!(self.appended, pictures);
    }
}

#[test]
fn nothing_begins_before_a_key_frame() {
    Camera::new().play("pppKpp").check(3, &["begin 120", "end 240 stopped"]);
}

#[test]
fn a_segment_ends_at_the_first_key_frame_after_its_time_without_a_seam() {
    let gop = "Kppppppppppppppppppppppppp"; // 26 pictures, 1,040 ms
    let wanted = ["begin 0", "end 2080 -", "begin 2080", "end 3120 stopped"];
    Camera::new().play(gop).play(gop).play(gop).check(78, &wanted);
}

#[test]
fn new_parameters_cut_without_a_seam_at_a_key_frame() {
    let mut camera = Camera::new();
    camera.play("Kpp").track = track(200);
    camera.play("Kp").check(5, &["begin 0", "end 120 -", "begin 120", "end 200 stopped"]);
}

#[test]
fn row_26_timestamps_that_go_backwards_or_leap_cut_and_recording_goes_on() {
    for off in [-9_000, 90_000 * 3_600 * 149, -90_000 * 3_600] {
        let mut camera = Camera::new();
        camera.play("Kppp").rtp_off = off * 10;
        camera.play("pKp").check(6, &["begin 0", "end 160 time_jump", "begin 200", "end 280 stopped"]);
    }
}

#[test]
fn a_set_server_clock_cuts_and_is_said() {
    let mut camera = Camera::new();
    camera.play("Kpp").wall_off_ms = 3_600_000;
    camera.play("Kp").check(5, &["begin 0", "end 120 clock_step", "begin 3600120", "end 3600200 stopped"]);
}

#[test]
fn a_pause_is_a_gap_row_and_a_long_one_ends_the_segment() {
    let mut camera = Camera::new();
    camera.play("Kpp").now_ms += 5_000;
    camera.play("pp").now_ms += 11_000;
    let wanted = ["begin 0", "pause 120..5120 stalled", "end 5200 stalled", "begin 16200", "end 16280 stopped"];
    camera.play("Kp").check(7, &wanted);
}

#[test]
fn a_camera_that_falls_silent_has_its_last_pictures_written() {
    let mut camera = Camera::new();
    camera.play("Kpp");
    let later = camera.began + Duration::from_secs(3);
    let actions = camera.recorder.tick(later);
    camera.note(actions);
    assert_eq!(camera.appended, 3);
}
