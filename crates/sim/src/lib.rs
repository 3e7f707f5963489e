//! Simulated plants: they speak only real MQTT to a loopback address, so they cannot cheat.

mod gateway;
mod plant;
mod scene;

pub use gateway::{Door, Error, start};
pub use plant::Plant;
pub use scene::{Scene, Script, Step};
