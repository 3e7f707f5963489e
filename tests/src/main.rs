//! The one end-to-end test binary: the real program, real MQTT, real files, clients in other languages.

mod alarm_life;
mod bad_readings;
mod kill;
mod main_job;
mod people;
mod tidy;
