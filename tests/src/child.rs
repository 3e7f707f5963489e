//! The real program as a child process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::database::{self, Database};
use crate::http::Api;
use crate::until::{PATIENCE, until};

/// The program under test: `FENGHUO_BIN`, or the one beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("FENGHUO_BIN") {
        return path.into();
    }
    let exe = std::env::current_exe().expect("a test has a path");
    let path = exe.ancestors().nth(2).map(|d| d.join("fenghuo")).filter(|p| p.exists());
    path.expect("the program is not built: cargo build -p fenghuo")
}

/// The top of the repository.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent")
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().expect("the program runs")
}

/// A running hall; killed when dropped.
pub struct Hall {
    process: Child,
    /// What `--access-file` says.
    pub access: Value,
    data: PathBuf,
    options: Vec<String>,
}

impl Hall {
    /// Starts `fenghuo demo` on free ports without simulated plants.
    #[track_caller]
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &["--no-sim"])
    }

    /// Starts `fenghuo demo` on free ports with these options.
    #[track_caller]
    pub fn start_with(data: &Path, options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|s| (*s).to_owned()).collect();
        let (process, access) = spawn(data, ("127.0.0.1:0", "127.0.0.1:0"), &options);
        Self { process, access, data: data.to_owned(), options }
    }

    /// Starts `fenghuo demo` like [`Hall::start_with`], with its journal in this database.
    #[track_caller]
    pub fn on(database: Database, data: &Path, options: &[&str]) -> Self {
        let mut options: Vec<String> = options.iter().map(|s| (*s).to_owned()).collect();
        if database == Database::Postgres {
            let named = options.iter().position(|o| o == "--config").map(|at| options.drain(at..at + 2).collect());
            let from = named.and_then(|o: Vec<String>| o.get(1).map(PathBuf::from)).unwrap_or_else(database::demo);
            let to = data.with_extension("postgres.toml");
            database.settings(&from, &to);
            options.extend(["--config".into(), to.display().to_string()]);
        }
        Self::start_with(data, &options.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The settings file it was given, if any.
    pub fn config(&self) -> Option<&str> {
        let at = self.options.iter().position(|o| o == "--config")?;
        self.options.get(at + 1).map(String::as_str)
    }

    /// Kills it without a goodbye (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again on the same data and addresses.
    #[track_caller]
    pub fn start_again(&mut self) {
        let (http, mqtt) = (self.host(), self.mqtt_address());
        let (process, access) = spawn(&self.data, (&http, &mqtt), &self.options);
        self.process = process;
        self.access = access;
    }

    /// Asks it to stop and waits; returns the exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(libc::SIGTERM);
        self.process.wait().ok().and_then(|s| s.code())
    }

    /// Sends a signal.
    #[allow(unsafe_code, reason = "std has no way to send another signal than SIGKILL")]
    pub fn signal(&self, signal: i32) {
        // SAFETY: `kill` takes plain numbers; the pid is our own child's, not yet waited for.
        unsafe { libc::kill(self.pid() as i32, signal) };
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// `host:port` of the console.
    pub fn host(&self) -> String {
        let url = self.access["console_url"].as_str().unwrap_or_default();
        url.trim_start_matches("http://").trim_end_matches('/').to_owned()
    }

    /// `host:port` of the MQTT door.
    pub fn mqtt_address(&self) -> String {
        format!("127.0.0.1:{}", self.access["mqtt"]["port"])
    }

    /// User name and password of the demo device.
    pub fn device(&self) -> (String, String) {
        let text = |key: &str| self.access["mqtt"][key].as_str().unwrap_or_default().to_owned();
        (text("username"), text("password"))
    }

    /// The machine token.
    pub fn token(&self) -> &str {
        self.access["token"].as_str().unwrap_or_default()
    }

    /// Its API, with the machine token.
    pub fn api(&self) -> Api {
        Api::new(&self.host(), self.token())
    }
}

impl Drop for Hall {
    fn drop(&mut self) {
        self.kill();
    }
}

#[track_caller]
fn spawn(data: &Path, (http, mqtt): (&str, &str), options: &[String]) -> (Child, Value) {
    let access_file = data.with_extension("access.json");
    let _ = std::fs::remove_file(&access_file);
    let mut process = Command::new(binary())
        .args(["demo", "--http", http, "--mqtt", mqtt, "--data"])
        .arg(data)
        .arg("--access-file")
        .arg(&access_file)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::from(
            std::fs::File::options().create(true).append(true).open(data.with_extension("log")).expect("a log"),
        ))
        .spawn()
        .expect("the program starts");
    let access = until("the hall is open", PATIENCE, || {
        if let Ok(Some(status)) = process.try_wait() {
            let log = std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
            panic!("the hall ended with {status}:\n{log}");
        }
        serde_json::from_slice(&std::fs::read(&access_file).ok()?).ok()
    });
    (process, access)
}
