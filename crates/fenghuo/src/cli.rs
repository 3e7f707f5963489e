//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Fenghuo (烽火), the command hall of a district: MQTT readings in, alarms decided, committed, and pushed to duty officers.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Logs go to standard error; FENGHUO_LOG=debug shows more.\n\
    Exit codes: 0 done, 65 data cannot be used, 69 the doctor found something, 74 disk, \
    75 another instance has the data, 78 configuration or an address that is taken."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything embedded, on loopback, with simulated plants and staff
    Demo(Demo),
    /// Run the hall with a configuration
    Serve {
        /// Path of fenghuo.toml
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print every problem of a configuration; exit 78 if there is one
    Check {
        /// Path of fenghuo.toml
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Look at this machine: clock, disk, ports, files
    Doctor {
        /// Path of fenghuo.toml; the demo's settings without it
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// The audit chain
    #[command(subcommand)]
    Audit(Audit),
    /// Accounts; the hall must not be running on this data
    #[command(subcommand)]
    User(User),
    /// Make a password for a device and print what goes into fenghuo.toml
    Device {
        /// User name of the device
        username: String,
    },
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Address of the console; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8600", value_name = "ADDRESS")]
    pub http: SocketAddr,
    /// Address of the MQTT door; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:1884", value_name = "ADDRESS")]
    pub mqtt: SocketAddr,
    /// Data folder
    #[arg(long, default_value = "data/demo", value_name = "DIR")]
    pub data: PathBuf,
    /// Do not start simulated plants and staff
    #[arg(long)]
    pub no_sim: bool,
    /// Write what a script needs to get in, as JSON, once everything is open
    #[arg(long, value_name = "FILE")]
    pub access_file: Option<PathBuf>,
    /// Use this configuration's sites and rules instead of the embedded ones
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Walk the chain again and name every row that was changed, removed or reordered
    Verify {
        /// Path of fenghuo.toml
        #[arg(long, value_name = "FILE", conflicts_with = "data")]
        config: Option<PathBuf>,
        /// Data folder
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// A head that was written down, SEQ:HASH: the chain must still contain it
        #[arg(long, value_name = "SEQ:HASH")]
        head: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add an account, or change its name and role; prints a new password
    Add {
        /// Path of fenghuo.toml
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Account name
        account: String,
        /// The person's name
        name: String,
        /// duty_officer, shift_lead, commander, administrator or read_only
        role: String,
    },
    /// List accounts
    List {
        /// Path of fenghuo.toml
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}
