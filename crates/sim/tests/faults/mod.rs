//! Every fault is seen by a client.

use std::time::{Duration, Instant};

use runtime::{Tasks, unix_now};
use sim::cameras::{BadSdp, Fault, Handle, Look, Script, Size, Step, Stream};

use crate::eyes::{Eyes, Frame, Over};
use crate::hostile::Plain;
use crate::server;

async fn watched(tasks: &Tasks, over: Over) -> (Handle, Eyes) {
    let handle = server(tasks, |_| {}).await;
    let mut eyes = Eyes::open(&handle.url("tank", Stream::Sub), over, None).await.unwrap();
    eyes.frames(5).await.unwrap();
    (handle, eyes)
}

/// Reads frames until one is as wanted; at most ten seconds of them.
async fn until(eyes: &mut Eyes, what: &str, wanted: impl Fn(&Frame) -> bool) -> Frame {
    for _ in 0..250 {
        let frame = eyes.frame().await.unwrap();
        if wanted(&frame) {
            return frame;
        }
    }
    panic!("never seen: {what}");
}

#[tokio::test]
async fn loss_is_seen_over_udp_and_over_tcp() {
    for over in [Over::Udp, Over::Tcp] {
        let tasks = Tasks::new();
        let (handle, mut eyes) = watched(&tasks, over).await;
        handle.inject("tank", Fault::Loss { permille: 200 }).unwrap();
        until(&mut eyes, "loss", |f| f.loss > 0).await;
        assert!(handle.counts().lost.get() > 0);
        handle.clear("tank").unwrap();
        eyes.frames(10).await.unwrap();
        assert!(eyes.frames(30).await.unwrap().iter().all(|f| f.loss == 0), "{over:?}: it ends");
        assert!(tasks.stop(Duration::from_secs(2)).await);
    }
}

#[tokio::test]
async fn a_stall_is_silence_on_an_open_connection() {
    let tasks = Tasks::new();
    let (handle, mut eyes) = watched(&tasks, Over::Tcp).await;
    handle.inject("tank", Fault::Stall).unwrap();
    let silence = async {
        loop {
            let began = Instant::now();
            match tokio::time::timeout(Duration::from_millis(600), eyes.frame()).await {
                Err(_) => return began.elapsed(),
                Ok(frame) => drop(frame.unwrap()),
            }
        }
    };
    assert!(silence.await >= Duration::from_millis(600));
    handle.clear("tank").unwrap();
    let frame = eyes.frame().await.unwrap();
    assert_eq!(frame.loss, 0, "nothing was sent, nothing is missing");
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn fin_rst_and_dark_end_sessions_as_they_say() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    handle.ready("tank", Stream::Main).await.unwrap();
    for (fault, reset) in [(Fault::Fin, false), (Fault::Rst, true), (Fault::Dark, true)] {
        let mut plain = Plain::playing(&handle, "tank").await;
        let mut other = Eyes::open(&handle.url("gate", Stream::Sub), Over::Tcp, None).await.unwrap();
        let mut some = [0; 4_096];
        tokio::io::AsyncReadExt::read_exact(&mut plain.0, &mut some).await.unwrap();
        handle.inject("tank", fault).unwrap();
        assert_eq!(plain.read_to_end(Duration::from_secs(5)).await, reset, "{fault:?}");
        assert_eq!(other.frames(5).await.unwrap().len(), 5, "{fault:?} is this camera's alone");
    }
    let error = Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, None).await.err().expect("dark");
    assert!(error.to_lowercase().contains("reset") || error.contains("closed"), "{error}");
    handle.clear("tank").unwrap();
    let mut eyes = Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, None).await.expect("power is back");
    eyes.frames(3).await.unwrap();
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn garbage_ends_a_session_over_tcp_and_not_over_udp() {
    let tasks = Tasks::new();
    let (handle, mut eyes) = watched(&tasks, Over::Tcp).await;
    handle.inject("tank", Fault::Garbage).unwrap();
    let error = eyes.frames(100).await.expect_err("garbage is no stream");
    assert!(!error.is_empty() && error != "silence", "{error}");
    let mut again = Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, None).await.unwrap();
    assert_eq!(again.frames(30).await.unwrap().len(), 30, "it happens once");
    let mut udp = Eyes::open(&handle.url("tank", Stream::Sub), Over::Udp, None).await.unwrap();
    udp.frames(5).await.unwrap();
    handle.inject("tank", Fault::Garbage).unwrap();
    // One odd datagram: retina says so and the session is over, or it is skipped. Other sessions do not see it.
    let _ = udp.frames(30).await;
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn wrong_descriptions_are_refused_by_the_client() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    for bad in [BadSdp::Noise, BadSdp::NoMedia, BadSdp::UnknownCodec, BadSdp::Huge] {
        handle.inject("tank", Fault::Sdp(bad)).unwrap();
        let seen = match Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, None).await {
            Err(error) => Err(error),
            Ok(mut eyes) => eyes.frames(3).await,
        };
        // A long one is only long: whoever bounds it refuses it, retina does not.
        assert_eq!(seen.is_err(), bad != BadSdp::Huge, "{bad:?}: {seen:?}");
    }
    // Wrong parameter sets in the description; those in the stream put it right.
    handle.inject("tank", Fault::Sdp(BadSdp::BadParameters)).unwrap();
    let mut plain = Plain::open(&handle).await;
    let url = handle.url("tank", Stream::Sub);
    let head = plain.ask(&format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n")).await;
    let len = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; len];
    tokio::io::AsyncReadExt::read_exact(&mut plain.0, &mut body).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("sprop-parameter-sets=Z0IAHg==,!!!!"));
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn a_wrong_clock_is_in_the_sender_report() {
    const SINCE_1900_S: i64 = 2_208_988_800;
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    for offset_ms in [0, 3_600_000, -90_000] {
        handle.inject("tank", Fault::Clock { offset_ms }).unwrap();
        let mut eyes = Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, None).await.unwrap();
        eyes.frames(3).await.unwrap();
        let (ntp, _) = eyes.reports[0];
        let told_ms = ((ntp >> 32) as i64 - SINCE_1900_S) * 1_000 + (((ntp & 0xffff_ffff) * 1_000) >> 32) as i64;
        let off_ms = told_ms - unix_now() / 1_000 - offset_ms;
        assert!(off_ms.abs() < 3_000, "offset {offset_ms}: {off_ms} ms from what was ordered");
    }
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn time_leaps_and_runs_backwards() {
    // A plain reader: what a library makes of such time is the library's.
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    handle.ready("tank", Stream::Main).await.unwrap();
    let mut plain = Plain::playing(&handle, "tank").await;
    let mut times = Times::default();
    times.read(&mut plain, 10).await;
    assert!(times.steps().iter().all(|s| *s == 3_600), "{:?}", times.steps());
    handle.inject("tank", Fault::RtpJump { ticks: 90_000 * 3_600 }).unwrap();
    times.read(&mut plain, 20).await;
    assert_eq!(times.steps().iter().filter(|s| **s == 90_000 * 3_600 + 3_600).count(), 1, "{:?}", times.steps());
    handle.inject("tank", Fault::Backwards).unwrap();
    times.read(&mut plain, 20).await;
    assert!(times.steps().iter().filter(|s| **s == -3_600).count() >= 10, "{:?}", times.steps());
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

/// RTP times of pictures, read off the wire.
#[derive(Default)]
struct Times(Vec<u32>);

impl Times {
    async fn read(&mut self, plain: &mut Plain, pictures: usize) {
        use tokio::io::AsyncReadExt as _;
        let until = self.0.len() + pictures;
        while self.0.len() < until {
            if plain.0.read_u8().await.unwrap() != b'$' {
                continue; // still the answer to PLAY
            }
            let channel = plain.0.read_u8().await.unwrap();
            let mut packet = vec![0; usize::from(plain.0.read_u16().await.unwrap())];
            plain.0.read_exact(&mut packet).await.unwrap();
            if channel == 0 && packet[1] & 0x80 != 0 {
                self.0.push(u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]));
            }
        }
    }

    fn steps(&self) -> Vec<i32> {
        self.0.windows(2).map(|w| w[1].wrapping_sub(w[0]) as i32).collect()
    }
}

#[tokio::test]
async fn another_size_comes_in_the_stream() {
    let tasks = Tasks::new();
    let (handle, mut eyes) = watched(&tasks, Over::Tcp).await;
    assert_eq!(eyes.pixels(), (352, 288));
    handle.inject("tank", Fault::Resolution(Size::D1)).unwrap();
    handle.ready("tank", Stream::Sub).await.unwrap();
    for _ in 0..100 {
        eyes.frame().await.unwrap();
        if eyes.pixels() == (704, 576) {
            return assert!(tasks.stop(Duration::from_secs(2)).await);
        }
    }
    panic!("the size never changed");
}

#[tokio::test]
async fn everybody_is_refused_with_401() {
    let tasks = Tasks::new();
    let handle = server(&tasks, |_| {}).await;
    handle.inject("tank", Fault::Unauthorized).unwrap();
    let error = Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, Some(("admin", "x"))).await.err().unwrap();
    assert!(error.contains("401"), "{error}");
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn describe_is_slow() {
    let tasks = Tasks::new();
    let (handle, _eyes) = watched(&tasks, Over::Tcp).await;
    handle.inject("tank", Fault::SlowDescribe(Duration::from_millis(1_500))).unwrap();
    let began = Instant::now();
    let mut eyes = Eyes::open(&handle.url("tank", Stream::Sub), Over::Tcp, None).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(1_500));
    eyes.frames(3).await.unwrap();
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

#[tokio::test]
async fn a_script_orders_faults_and_ends_them() {
    let tasks = Tasks::new();
    let (handle, mut eyes) = watched(&tasks, Over::Tcp).await;
    let fault = Fault::Loss { permille: 500 };
    let unknown = Step { camera: "nobody".into(), from_s: 0.0, to_s: 1.0, fault };
    assert!(handle.play(&tasks, Script::new(vec![unknown], 60.0)).is_err());
    let step = Step { camera: "tank".into(), from_s: 0.5, to_s: 2.5, fault };
    handle.play(&tasks, Script::new(vec![step], 60.0)).unwrap();
    until(&mut eyes, "loss", |f| f.loss > 0).await;
    let mut clean = 0;
    while clean < 25 {
        clean = if eyes.frame().await.unwrap().loss == 0 { clean + 1 } else { 0 };
    }
    assert!(tasks.stop(Duration::from_secs(2)).await);
}

/// The picture faults, as their bytes show them; what they look like is the diagnosis's test.
#[tokio::test]
async fn picture_faults_change_what_is_sent() {
    let tasks = Tasks::new();
    let (handle, mut eyes) = watched(&tasks, Over::Tcp).await;
    let clean = until(&mut eyes, "key picture", |f| f.key).await.bytes as f64;
    let of_clean = |bytes: usize| bytes as f64 / clean;
    for (look, least, most) in [
        (Look::Black, 0.0, 0.35),
        (Look::WhiteOut, 0.0, 0.35),
        (Look::NoSignal, 0.0, 0.35),
        (Look::Blurred, 0.05, 0.8),
        (Look::Occluded, 0.05, 0.8),
        (Look::Shifted, 0.5, 1.5),
        (Look::Flame, 0.7, 1.5),
        (Look::Leak, 0.7, 1.5),
        (Look::Frozen, 0.7, 1.5),
    ] {
        handle.inject("tank", Fault::Look(look)).unwrap();
        handle.ready("tank", Stream::Sub).await.unwrap();
        eyes.frames(8).await.unwrap();
        let key = until(&mut eyes, "key picture", |f| f.key).await;
        assert!((least..most).contains(&of_clean(key.bytes)), "{look:?}: {} of {clean} bytes", key.bytes);
        if look == Look::Frozen {
            let rest = eyes.frames(49).await.unwrap();
            let still = rest.iter().filter(|f| f.bytes < 200).count();
            assert!(
                still >= 45,
                "{still} of 49 pictures are skipped: {:?}",
                rest.iter().map(|f| f.bytes).collect::<Vec<_>>()
            );
            let again = eyes.frame().await.unwrap();
            assert!(again.key && again.bytes == key.bytes, "the same key picture again");
        }
    }
    assert!(tasks.stop(Duration::from_secs(2)).await);
}
