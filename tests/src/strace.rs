//! A disk that stalls or fails: `strace` steps between the running program and the kernel.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::until::{PATIENCE, until};

/// An attached strace; detaches when dropped, and the program goes on untouched.
pub struct Strace(Child);

impl Strace {
    /// Attaches to every thread of a process, and injects (see `strace(1)`, "Tampering").
    #[track_caller]
    pub fn attach(pid: u32, inject: &str, log: PathBuf) -> Self {
        let out = std::fs::File::create(&log).expect("a log");
        let child = Command::new("strace")
            .args(["-f", "-p", &pid.to_string(), "-e", "trace=fdatasync", "-e", &format!("inject={inject}")])
            .arg("-o")
            .arg(log.with_extension("calls"))
            .stderr(Stdio::from(out))
            .spawn()
            .expect("strace runs: tests/stages.sh setup");
        until("strace is attached", PATIENCE, || std::fs::read_to_string(&log).ok().filter(|t| t.contains("attached")));
        Self(child)
    }
}

impl Drop for Strace {
    #[allow(
        unsafe_code,
        reason = "std has no way to send another signal than SIGKILL, which would not detach in order"
    )]
    fn drop(&mut self) {
        // SAFETY: `kill` takes plain numbers; the pid is our own child's, not yet waited for.
        unsafe { libc::kill(self.0.id() as i32, libc::SIGTERM) };
        let _ = self.0.wait();
    }
}
