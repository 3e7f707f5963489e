//! A playing session: packets become frames, sender reports the clock, silence a reconnect.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::StreamExt as _;
use retina::client::SessionGroup;
use retina::codec::{AudioFrame, CodecItem, ParametersRef, VideoFrame, VideoParametersCodec};

use super::connect::{Connected, broken, connect, unusable};
use super::trouble::{NO_KEY_FRAME, STREAM_ENDED, STREAM_STALLED, Trouble};
use super::{Session, TICK};
use crate::clock::{Fit, ntp_us};
use crate::frame::{Codec, Frame, Track};

/// No picture for so long: the session is given up.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// No key frame for three usual distances, and at least this long.
const KEY_MIN: Duration = Duration::from_secs(15);
/// Pictures came for so long: the trouble before is over.
const TROUBLE_SHOWN: Duration = Duration::from_secs(60);

/// Receives until something breaks; none: nobody wants pictures any more.
pub(super) async fn session(of: &mut Session, group: &Arc<SessionGroup>) -> Option<Trouble> {
    let source = of.source.clone();
    let mut connected = match connect(&source, group).await {
        Ok(connected) => connected,
        Err(trouble) => return Some(trouble),
    };
    of.status.change(|s| s.sound_dropped = connected.sound_dropped.clone());
    let mut receiver = Receiver::new(of);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let result = tokio::select! {
            biased;
            _ = tick.tick() => receiver.tick(),
            item = connected.demuxed.next() => match item {
                None => Err(Trouble::new(STREAM_ENDED, "end of stream")),
                Some(Err(error)) => Err(broken(&error)),
                Some(Ok(item)) => receiver.take(item, &connected),
            },
        };
        if let Err(trouble) = result {
            return Some(trouble);
        }
        if receiver.is_unwanted() {
            return None;
        }
    }
}

struct Receiver<'a> {
    of: &'a mut Session,
    picture: Option<Arc<Track>>,
    sound: Option<Arc<Track>>,
    clock: Fit,
    began: Instant,
    last: Instant,
    last_key: Instant,
    /// Longest distance of two key frames.
    usual_key: Duration,
    /// Pictures, bytes and packets lost since the last tick.
    counted: (u32, u64, u64),
    unwanted: bool,
}

impl<'a> Receiver<'a> {
    fn new(of: &'a mut Session) -> Self {
        let now = Instant::now();
        Self {
            of,
            picture: None,
            sound: None,
            clock: Fit::default(),
            began: now,
            last: now,
            last_key: now,
            usual_key: Duration::ZERO,
            counted: (0, 0, 0),
            unwanted: false,
        }
    }

    fn is_unwanted(&self) -> bool {
        self.unwanted
    }

    fn take(&mut self, item: CodecItem, connected: &Connected) -> Result<(), Trouble> {
        match item {
            CodecItem::VideoFrame(frame) => self.video(frame, connected),
            CodecItem::AudioFrame(frame) => {
                self.audio(&frame, connected);
                Ok(())
            }
            CodecItem::Rtcp(packet) if packet.stream_id() == connected.picture => {
                self.report(&packet);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn video(&mut self, frame: VideoFrame, connected: &Connected) -> Result<(), Trouble> {
        if self.picture.is_none() || frame.has_new_parameters() {
            self.picture = picture_track(connected).map_err(unusable)?.or(self.picture.take());
        }
        // Parameter sets have not come yet: nothing can be decoded.
        let Some(track) = self.picture.clone() else { return Ok(()) };
        let key = frame.is_random_access_point() || track.codec == Codec::Mjpeg;
        let (received, received_us) = (frame.start_ctx().received(), wall_us(frame.start_ctx().received_wall()));
        let (rtp, loss) = (frame.timestamp().timestamp(), frame.loss());
        let bytes = Bytes::from(frame.into_data());
        let frame = Arc::new(Frame { track, bytes, rtp, received_us, received, key, loss });
        self.count(&frame);
        self.of.push(frame);
        Ok(())
    }

    fn count(&mut self, frame: &Arc<Frame>) {
        if self.counted.0 == 0 {
            self.of.status.receiving(frame);
        }
        if frame.key {
            if self.last_key > self.began {
                self.usual_key = self.usual_key.max(frame.received.saturating_duration_since(self.last_key));
            }
            self.last_key = frame.received.max(self.began + Duration::from_nanos(1));
        }
        self.last = frame.received;
        self.of.status.frame_at(frame.received_us);
        self.counted.0 += 1;
        self.counted.1 += frame.bytes.len() as u64;
        self.counted.2 += u64::from(frame.loss);
        self.of.frames.add(1);
    }

    fn audio(&mut self, frame: &AudioFrame, connected: &Connected) {
        let Some(stream) = connected.sound else { return };
        if self.sound.is_none() {
            self.sound = sound_track(connected, stream);
        }
        let Some(track) = self.sound.clone() else { return };
        self.of.push(Arc::new(Frame {
            track,
            bytes: Bytes::copy_from_slice(frame.data()),
            rtp: frame.timestamp().timestamp(),
            received_us: wall_us(frame.ctx().received_wall()),
            received: frame.ctx().received(),
            key: true,
            loss: frame.loss(),
        }));
    }

    fn report(&mut self, packet: &retina::rtcp::ReceivedCompoundPacket) {
        let received = wall_us(packet.ctx().received_wall());
        for part in packet.pkts() {
            if let Ok(Some(report)) = part.as_sender_report() {
                // A camera without a clock of its own says 0 or counts from its start.
                let camera = ntp_us(report.ntp_timestamp().0);
                if camera > 0 && self.clock.report(received, camera) {
                    tracing::warn!(camera = self.of.source.camera, "the camera's clock was set");
                }
            }
        }
        let alignment = self.clock.alignment();
        if let Some(feed) = &self.of.feed {
            feed.clock(alignment);
        }
        let steps = self.clock.steps();
        self.of.status.change(|s| (s.clock, s.clock_steps) = (alignment, steps));
    }

    /// Once a second.
    fn tick(&mut self) -> Result<(), Trouble> {
        let now = Instant::now();
        self.of.tick(now);
        let (frames, bytes, lost) = std::mem::take(&mut self.counted);
        let over = self.began.elapsed() > TROUBLE_SHOWN;
        self.of.status.change(|s| {
            // A second is short: half of the new, half of the old.
            s.frames_per_s = (s.frames_per_s + f64::from(frames)) / 2.0;
            s.kbit_per_s = (s.kbit_per_s + bytes as f64 / 125.0) / 2.0;
            s.lost_packets += lost;
            if over {
                s.trouble = None;
            }
        });
        self.unwanted = !self.of.is_wanted();
        self.watch(now)
    }

    fn watch(&self, now: Instant) -> Result<(), Trouble> {
        let silence = now.saturating_duration_since(self.last);
        if silence > SILENCE_MAX {
            return Err(Trouble::new(STREAM_STALLED, format!("nothing for {} s", silence.as_secs())));
        }
        let keyless = now.saturating_duration_since(self.last_key);
        if keyless > KEY_MIN.max(self.usual_key * 3) {
            return Err(Trouble::new(NO_KEY_FRAME, format!("none for {} s", keyless.as_secs())));
        }
        Ok(())
    }
}

fn wall_us(wall: retina::WallTime) -> i64 {
    SystemTime::from(wall).duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

fn picture_track(connected: &Connected) -> Result<Option<Arc<Track>>, retina::Error> {
    let stream = &connected.demuxed.streams()[connected.picture];
    let Some(ParametersRef::Video(parameters)) = stream.parameters() else { return Ok(None) };
    let codec = match parameters.codec_params() {
        VideoParametersCodec::H264 { .. } => Codec::H264,
        VideoParametersCodec::H265 { .. } => Codec::H265,
        VideoParametersCodec::Jpeg => Codec::Mjpeg,
        _ => return Ok(None),
    };
    let (width, height) = parameters.pixel_dimensions();
    Ok(Some(Arc::new(Track {
        codec,
        rfc6381: parameters.rfc6381_codec().to_owned(),
        width: width.try_into().unwrap_or(u16::MAX),
        height: height.try_into().unwrap_or(u16::MAX),
        clock_hz: stream.clock_rate_hz(),
        sample_entry: parameters.mp4_sample_entry().build()?.into(),
    })))
}

fn sound_track(connected: &Connected, stream: usize) -> Option<Arc<Track>> {
    let stream = &connected.demuxed.streams()[stream];
    let Some(ParametersRef::Audio(parameters)) = stream.parameters() else { return None };
    Some(Arc::new(Track {
        codec: Codec::Aac,
        rfc6381: parameters.rfc6381_codec().unwrap_or("mp4a.40.2").to_owned(),
        width: 0,
        height: 0,
        clock_hz: stream.clock_rate_hz(),
        sample_entry: parameters.mp4_sample_entry().build().ok()?.into(),
    }))
}
