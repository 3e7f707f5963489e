//! Fenghuo (烽火): the one binary of the command hall. Reads settings, opens the rooms, owns the task tree.

mod audit;
mod building;
mod camera_views;
mod cameras;
mod check;
mod cli;
mod demo;
mod devices;
mod doctor;
mod exit;
mod history;
mod ledger;
mod live;
mod mqtt_sessions;
mod outlet;
mod people;
mod progress;
mod records;
mod reload;
mod secrets;
mod serve;
mod submit;
mod users;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("FENGHUO_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let result = match cli.command {
        cli::Command::Demo(options) => demo::run(&options),
        cli::Command::Serve { config } => serve::run(&config),
        cli::Command::Check { config } => check::run(&config),
        cli::Command::Doctor { config } => doctor::run(config.as_deref()),
        cli::Command::Audit(cli::Audit::Verify { config, data, head }) => {
            audit::verify(config.as_deref(), data, head.as_deref())
        }
        cli::Command::User(command) => users::run(&command),
        cli::Command::Device { username } => users::device(&username),
        cli::Command::Openapi => check::openapi(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
