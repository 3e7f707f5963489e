//! Cameras: RTSP sessions, recordings with every missing second accounted for, clips bound to alarms.

pub mod clip;
pub mod clock;
pub mod diagnosis;
pub mod fmp4;
mod frame;
mod gap;
pub mod index;
pub mod live;
pub mod media;
pub mod picture;
pub mod room;
pub mod session;
pub mod volume;

pub use frame::{Codec, Frame, Track};
pub use gap::Reason;
pub use room::{Camera, Settings, Video};
