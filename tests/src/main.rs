//! The one end-to-end test binary: the real program, real MQTT, real files, clients in other languages.

mod accounts;
mod activation;
mod alarm_life;
mod attachments;
mod bad_readings;
mod cameras;
mod configuration;
mod deadlines;
mod documents;
mod kill;
mod labels;
mod lifecycle;
mod main_job;
mod people;
mod postgres;
mod review;
mod roll_call;
mod shift_change;
mod stalled_disk;
mod stream_promises;
mod tidy;
mod work;
mod work_files;
mod work_rules;
mod write_points;
