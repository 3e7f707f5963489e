//! Fragmented MP4 (ISO/IEC 14496-12 §8.8): our own writer, and a reader that trusts no byte.

mod entry;
mod read;
mod write;

pub use entry::parameters;
pub use read::{Fragment, Fragments, Init, ReadError, Sample, TrackFragment, read_init, scan};
pub use write::{BoxWriter, Layout, Run, RunSample, fragment_head, init_segment};

#[cfg(test)]
mod tests;

/// Track number of the picture.
pub const VIDEO: u32 = 1;
/// Track number of the sound.
pub const SOUND: u32 = 2;
