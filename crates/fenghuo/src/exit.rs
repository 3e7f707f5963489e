//! Exit codes (sysexits.h) and how the last words are said.

use std::fmt;
use std::process::ExitCode;

/// An error that knows its exit code.
#[derive(Debug)]
pub struct Exit {
    /// 65 data, 69 findings of the doctor, 74 input or output, 75 try again, 78 configuration, an address that is taken among it.
    pub code: u8,
    /// What happened and what to do.
    pub text: String,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Exit {}

/// An error with an exit code.
pub fn with(code: u8, text: impl Into<String>) -> anyhow::Error {
    Exit { code, text: text.into() }.into()
}

/// The hall's start error with its exit code.
pub fn start(error: &hall::StartError) -> anyhow::Error {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(e) = cause {
        text = format!("{text}: {e}");
        cause = e.source();
    }
    with(error.exit_code(), text)
}

/// Prints the error and gives its code; 1 when it has none.
#[allow(clippy::print_stderr, reason = "the last words of a command-line program")]
pub fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("fenghuo: {error:#}");
    ExitCode::from(error.downcast_ref::<Exit>().map_or(1, |e| e.code))
}
