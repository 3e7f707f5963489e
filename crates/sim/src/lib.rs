//! Simulated plants and staff: they speak only real MQTT and HTTP to a loopback address, so they cannot cheat.

pub mod cameras;
mod gateway;
mod plant;
mod scene;
mod staff;

pub use gateway::{Door, Error, start};
pub use plant::Plant;
pub use scene::{Scene, Script, Step};
pub use staff::{Posting, Temper, start_staff};
