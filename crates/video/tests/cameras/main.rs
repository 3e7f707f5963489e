//! The room against cameras: our simulator's, and those of a server that nobody here wrote.

mod bad;
mod clips;
mod disks;
mod foreign;
mod kill;
mod live;
mod recording;
mod rig;
mod streams;
