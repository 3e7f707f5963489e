//! Faults on command, as cameras and networks have them. What changes the picture is another clip.

use std::time::Duration;

use parking_lot::Mutex;

use super::view::{Look, Size};

/// What goes wrong with one camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Another picture: an event, or one of the picture faults.
    Look(Look),
    /// This many of a thousand packets are not sent; their sequence numbers are used up.
    Loss {
        /// Of a thousand.
        permille: u16,
    },
    /// Nothing is sent any more; the connection stays open.
    Stall,
    /// The connections are closed in order, once.
    Fin,
    /// The connections are reset, once.
    Rst,
    /// Power lost: connections are reset as soon as they name the camera.
    Dark,
    /// DESCRIBE answers with a description that is wrong.
    Sdp(BadSdp),
    /// Sender reports tell a clock this far from ours.
    Clock {
        /// Milliseconds; positive is ahead.
        offset_ms: i64,
    },
    /// RTP time leaps by this many ticks of 90 kHz, once.
    RtpJump {
        /// Ticks.
        ticks: i32,
    },
    /// RTP time runs backwards.
    Backwards,
    /// The picture comes in another size, with new parameter sets in the stream.
    Resolution(Size),
    /// Every request is answered with 401, whatever it carries.
    Unauthorized,
    /// DESCRIBE is answered late.
    SlowDescribe(Duration),
    /// Bytes that are neither RTP nor RTSP, in the middle of the stream, once.
    Garbage,
}

/// Kinds of wrong descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSdp {
    /// Bytes that are no SDP.
    Noise,
    /// SDP without a media line.
    NoMedia,
    /// Parameter sets that do not decode.
    BadParameters,
    /// A codec nobody knows.
    UnknownCodec,
    /// Far more lines than any camera has.
    Huge,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Fin,
    Rst,
}

/// The lasting faults of a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lasting {
    pub look: Look,
    pub size: Option<Size>,
    pub loss_permille: u16,
    pub stall: bool,
    pub dark: bool,
    pub sdp: Option<BadSdp>,
    pub clock_offset_ms: i64,
    pub backwards: bool,
    pub unauthorized: bool,
    pub describe_delay: Duration,
}

impl Lasting {
    const NONE: Self = Self {
        look: Look::Clean,
        size: None,
        loss_permille: 0,
        stall: false,
        dark: false,
        sdp: None,
        clock_offset_ms: 0,
        backwards: false,
        unauthorized: false,
        describe_delay: Duration::ZERO,
    };
}

/// How often each fault that happens once has been ordered; a session remembers what it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Once {
    pub ends: u64,
    pub end: Option<End>,
    pub garbage: u64,
    pub jumps: u64,
    pub jump_ticks: i32,
}

/// What is wrong with one camera now.
#[derive(Debug)]
pub(super) struct Faults(Mutex<(Lasting, Once)>);

impl Faults {
    pub fn none() -> Self {
        Self(Mutex::new((Lasting::NONE, Once::default())))
    }

    pub fn now(&self) -> (Lasting, Once) {
        *self.0.lock()
    }

    /// Everything lasting ends.
    pub fn clear(&self) {
        self.0.lock().0 = Lasting::NONE;
    }

    pub fn inject(&self, fault: Fault) {
        let (lasting, once) = &mut *self.0.lock();
        match fault {
            Fault::Look(look) => lasting.look = look,
            Fault::Loss { permille } => lasting.loss_permille = permille.min(1_000),
            Fault::Stall => lasting.stall = true,
            Fault::Dark => lasting.dark = true,
            Fault::Sdp(bad) => lasting.sdp = Some(bad),
            Fault::Clock { offset_ms } => lasting.clock_offset_ms = offset_ms,
            Fault::Backwards => lasting.backwards = true,
            Fault::Resolution(size) => lasting.size = Some(size),
            Fault::Unauthorized => lasting.unauthorized = true,
            Fault::SlowDescribe(delay) => lasting.describe_delay = delay,
            Fault::Fin | Fault::Rst => {
                once.ends += 1;
                once.end = Some(if fault == Fault::Fin { End::Fin } else { End::Rst });
            }
            Fault::Garbage => once.garbage += 1,
            Fault::RtpJump { ticks } => {
                once.jumps += 1;
                once.jump_ticks = ticks;
            }
        }
    }
}
