//! Both SQL engines for tests: SQLite in a temporary folder, and a real PostgreSQL of our own, started once.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Location;

/// One place to keep a journal, fresh and empty.
pub struct Place {
    pub location: Location,
    _folder: tempfile::TempDir,
}

/// Runs a test on SQLite and on PostgreSQL.
pub fn on_both(test: impl Fn(&Location)) {
    test(&sqlite().location);
    test(&postgres().location);
}

pub fn sqlite() -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Place { location: Location::Sqlite(folder.path().to_owned()), _folder: folder }
}

/// A database of its own in the shared cluster.
pub fn postgres() -> Place {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = cluster();
    let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut client = ::postgres::Client::connect(&url(cluster, "postgres"), ::postgres::NoTls).expect("PostgreSQL");
    client.batch_execute(&format!("CREATE DATABASE {name}")).expect("a database");
    Place { location: Location::Postgres(url(cluster, &name)), _folder: tempfile::tempdir().expect("a folder") }
}

fn url(cluster: &Path, database: &str) -> String {
    format!("host={} user=postgres dbname={database}", cluster.display())
}

/// Starts the cluster once per test process. A watcher shell stops it and removes its folder when we are gone,
/// however we went: nothing runs at the end of a Rust test binary.
fn cluster() -> &'static Path {
    static CLUSTER: OnceLock<PathBuf> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("fenghuo-pg-").tempdir().expect("a folder").keep();
        let bin = binaries();
        let data = folder.join("data");
        own(&folder);
        run(&bin, "initdb", &["-D", &text(&data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        // A socket in the folder and no TCP: no port to collide with.
        let options = format!("-c listen_addresses='' -k {} -c fsync=off", folder.display());
        let log = folder.join("log");
        run(&bin, "pg_ctl", &["-D", &text(&data), "-o", &options, "-l", &text(&log), "-w", "start"]);
        watch(&bin, &folder);
        folder
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.starts_with(b"0\n")
}

fn binaries() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = installed.map(|entry| entry.path().join("bin")).find(|bin| bin.join("initdb").exists());
    found.expect("PostgreSQL is not installed: install the package `postgresql` (Debian: apt-get install postgresql)")
}

/// initdb and the server refuse to run as root; the package brings the user `postgres`.
fn own(folder: &Path) {
    if is_root() {
        let owned = Command::new("chown").arg("postgres").arg(folder).status().expect("chown");
        assert!(owned.success(), "the user `postgres` is missing: install the package `postgresql`");
    }
}

fn command(bin: &Path, program: &str) -> Command {
    if !is_root() {
        return Command::new(bin.join(program));
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(bin.join(program));
    command
}

fn run(bin: &Path, program: &str, args: &[&str]) {
    let Output { status, stdout, stderr } =
        command(bin, program).args(args).current_dir("/").output().expect("PostgreSQL's programs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(status.success(), "{program} failed: {}{}", said(&stdout), said(&stderr));
}

#[allow(clippy::zombie_processes, reason = "it outlives us: that is its purpose")]
fn watch(bin: &Path, folder: &Path) {
    let stop = format!("{:?} -D {}/data -m immediate stop", command(bin, "pg_ctl"), folder.display());
    let script = format!(
        "while kill -0 {} 2>/dev/null; do sleep 1; done; {stop}; rm -rf {}",
        std::process::id(),
        folder.display()
    );
    let quiet = std::process::Stdio::null;
    Command::new("sh").args(["-c", &script]).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().expect("sh");
}
