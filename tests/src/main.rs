//! The one end-to-end test binary: the real program, real MQTT, real files, clients in other languages.

mod kill;
mod main_job;
mod postgres;
mod tidy;
