//! The work systems from outside: commands in, events out, time as an argument.

mod desk;
mod drills;
mod hidden_dangers;
mod incidents;
mod orders;
mod rules;
mod tables;
mod watch;
