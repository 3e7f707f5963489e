//! `fenghuo serve` with a configuration of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::child::{binary, run, top};
use crate::until::{PATIENCE, until};

/// A folder with a whole configuration: one small plant, one rule.
pub struct Folder {
    /// The temporary folder.
    pub dir: tempfile::TempDir,
}

/// Settings of the small plant.
pub const SETTINGS: &str = r#"
[http]
listen = "127.0.0.1:0"

[mqtt]
listen = "127.0.0.1:0"

[[account]]
account = "admin"
name = "管理员"
role = "administrator"

[[account]]
account = "duty"
name = "值班员"
role = "duty_officer"
"#;

/// Its site file.
pub const SITE: &str = r#"
[enterprise]
id = "plant"
name_zh = "试验厂"
name_en = "Test plant"
kind = "chemical"

[[tag]]
tag = "gas"
description_zh = "可燃气体"
description_en = "Gas"
unit = "ppm"
span = [0, 300]
limits = { h = 25, hh = 50 }

[[tag]]
tag = "flow"
description_zh = "流量"
description_en = "Flow"
unit = "ppm"
"#;

/// Its rule file.
pub const RULE: &str = r#"
[[rule]]
id = "ratio"
enterprise = "plant"
tag = "gas"
when = '"gas" > 10 ppm and "flow" > 1 ppm'
message_zh = "比例"
message_en = "Ratio"
"#;

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// As the constants say.
    #[track_caller]
    pub fn new() -> Self {
        let folder = Self { dir: tempfile::tempdir().expect("a folder") };
        folder.write("fenghuo.toml", SETTINGS);
        folder.write("sites/plant.toml", SITE);
        folder.write("rules/rules.toml", RULE);
        folder
    }

    /// Writes a file below it.
    #[track_caller]
    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    /// Path of fenghuo.toml.
    pub fn config(&self) -> String {
        self.dir.path().join("fenghuo.toml").display().to_string()
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Runs a command with `--config`, to its end.
    pub fn run(&self, command: &[&str]) -> Output {
        run(&[command, &["--config", &self.config()]].concat())
    }

    /// What a command with `--config` says when it ends with this code.
    #[track_caller]
    pub fn refused(&self, command: &str, code: i32) -> String {
        let out = self.run(&[command]);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(code), "fenghuo {command}: {text}");
        text
    }
}

/// A running `fenghuo serve`; killed when dropped.
pub struct Served {
    process: Child,
    log: PathBuf,
    /// `host:port` of the console.
    pub host: String,
    /// `host:port` of the MQTT door.
    pub mqtt: String,
}

impl Served {
    /// Starts it and waits until it is open.
    #[track_caller]
    pub fn start(folder: &Folder) -> Self {
        let log = folder.dir.path().join("serve.log");
        let out = std::fs::File::create(&log).expect("a log");
        let mut process = Command::new(binary())
            .args(["serve", "--config", &folder.config()])
            .env("NO_COLOR", "1")
            .current_dir(top())
            .stderr(Stdio::from(out))
            .spawn()
            .expect("the program starts");
        let line = until("the hall is open", PATIENCE, || {
            if let Ok(Some(status)) = process.try_wait() {
                panic!("the hall ended with {status}:\n{}", text(&log));
            }
            text(&log).lines().find(|l| l.contains(" open console=") && l.contains(" mqtt=")).map(str::to_owned)
        });
        let field = |name: &str| line.split(name).nth(1).and_then(|t| t.split_whitespace().next()).unwrap_or_default();
        let (host, mqtt) = (field("console=").to_owned(), field("mqtt=").to_owned());
        Self { process, log, host, mqtt }
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        text(&self.log)
    }

    /// The one-time link of the first start.
    #[track_caller]
    pub fn link(&self) -> String {
        let log = self.log();
        let at = log.find("http://").expect("a link in the log");
        log[at..].split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop; the exit code.
    #[allow(unsafe_code, reason = "std has no way to send another signal than SIGKILL")]
    pub fn stop(mut self) -> Option<i32> {
        // SAFETY: `kill` takes plain numbers; the pid is our own child's, not yet waited for.
        unsafe { libc::kill(self.process.id() as i32, libc::SIGTERM) };
        self.process.wait().ok().and_then(|s| s.code())
    }
}

fn text(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
