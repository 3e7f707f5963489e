//! Where a hall under test keeps its journal: the same tests run on both engines. PostgreSQL is one real server of our
//! own for the whole test process, with a database for each hall.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::child::top;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Embedded, in the data folder.
    Sqlite,
    /// A server.
    Postgres,
}

/// Makes of each function over a [`Database`] two tests, `name::sqlite` and `name::postgresql`.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                super::$name(hall_tests::database::Database::Sqlite);
            }
            #[test]
            fn postgresql() {
                super::$name(hall_tests::database::Database::Postgres);
            }
        })+
    };
}

/// Keys of a settings file that name other files, relative to it.
const FILES: [&str; 6] = ["sites_dir", "rules_dir", "plans_dir", "profiles_dir", "parties_file", "roster_file"];

impl Database {
    /// What the table `[journal]` says of it; a database that nobody has used yet.
    pub fn setting(self) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!("postgres = \"{}\"\n", fresh()),
        }
    }

    /// A settings file at `to` that says what `from` says, with the journal here.
    pub(crate) fn settings(self, from: &Path, to: &Path) {
        let folder = from.parent().expect("a folder");
        let mut text = String::new();
        for line in std::fs::read_to_string(from).expect("the settings").lines() {
            let named = line.split_once(" = \"").filter(|(key, _)| FILES.contains(key));
            let _ = match named {
                Some((key, rest)) => writeln!(text, "{key} = \"{}", folder.join(rest).display()),
                None => writeln!(text, "{line}"),
            };
        }
        let text = match text.contains("\n[journal]\n") {
            true => text.replace("\n[journal]\n", &format!("\n[journal]\n{}", self.setting())),
            false => format!("{text}\n[journal]\n{}", self.setting()),
        };
        std::fs::write(to, text).expect("written");
    }
}

/// The demo's own settings.
pub(crate) fn demo() -> PathBuf {
    top().join("config/demo/fenghuo.toml")
}

/// A new database of the server, as the settings name it.
fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = server();
    let name = format!("hall_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    run(&programs(), "createdb", &["-h", &folder.display().to_string(), "-U", "postgres", &name]);
    format!("host={} user=postgres dbname={name}", folder.display())
}

/// Starts the server once. A watcher shell stops it and removes its folder when we are gone, however we went: nothing
/// runs at the end of a Rust test binary.
fn server() -> &'static Path {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("hall-pg-").tempdir().expect("a folder").keep();
        if as_root() {
            let owned = Command::new("chown").arg("postgres").arg(&folder).status().expect("chown");
            assert!(owned.success(), "the user `postgres` is missing: tests/stages.sh setup");
        }
        let (programs, data) = (programs(), folder.join("data").display().to_string());
        run(&programs, "initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        // A socket in the folder and no TCP. The halls are killed here, never the server: it need not sync.
        let options = format!("-c listen_addresses='' -k {} -c fsync=off", folder.display());
        let log = folder.join("log").display().to_string();
        run(&programs, "pg_ctl", &["-D", &data, "-o", &options, "-l", &log, "-w", "start"]);
        watch(&programs, &folder);
        folder
    })
}

fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = installed.map(|e| e.path().join("bin")).find(|bin| bin.join("initdb").exists());
    found.expect("no PostgreSQL: tests/stages.sh setup")
}

fn as_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"))
}

/// initdb and the server refuse to run as root; the package brings the user `postgres`.
fn command(programs: &Path, program: &str) -> Command {
    if !as_root() {
        return Command::new(programs.join(program));
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(programs.join(program));
    command
}

fn run(programs: &Path, program: &str, arguments: &[&str]) {
    let out = command(programs, program).args(arguments).current_dir("/").output();
    let Output { status, stderr, .. } = out.expect("PostgreSQL's programs run");
    assert!(status.success(), "{program}: {}", String::from_utf8_lossy(&stderr));
}

#[allow(clippy::zombie_processes, reason = "it outlives us: that is its purpose")]
fn watch(programs: &Path, folder: &Path) {
    let (stop, own) = (command(programs, "pg_ctl"), std::process::id());
    let folder = folder.display();
    let wait = format!("while kill -0 {own} 2>/dev/null; do sleep 1; done");
    let script = format!("{wait}; {stop:?} -D {folder}/data -m immediate stop; rm -rf {folder}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("sh runs");
}
