//! The room against cameras: our simulator's, and those of a server that nobody here wrote.

mod recording;
mod rig;
