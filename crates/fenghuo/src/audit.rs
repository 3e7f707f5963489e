//! `fenghuo audit verify`.

use std::path::{Path, PathBuf};

use store::Location;

use crate::{check, exit};

/// Where the journal of a configuration lives.
///
/// # Errors
/// Exit 78.
pub fn location(file: &Path) -> anyhow::Result<Location> {
    let settings = check::loaded(&check::source(file)?)?.settings;
    Ok(match settings.journal.location {
        config::JournalLocation::Postgres(url) => Location::Postgres(url),
        config::JournalLocation::Sqlite => {
            Location::Sqlite(file.parent().unwrap_or(Path::new(".")).join(settings.data_dir))
        }
    })
}

/// Walks the chain.
///
/// # Errors
/// Exit 65 when it does not hold, naming every break.
#[allow(clippy::print_stdout, reason = "what the command is for")]
pub fn verify(config: Option<&Path>, data: Option<PathBuf>, head: Option<&str>) -> anyhow::Result<()> {
    let expected = head.map(parse_head).transpose()?;
    let location = match (config, data) {
        (Some(file), _) => location(file)?,
        (None, data) => Location::Sqlite(data.unwrap_or_else(|| "data/demo".into())),
    };
    let report = store::verify(&location, expected).map_err(|e| exit::with(e.exit_code(), e.chain()))?;
    if report.problem_count == 0 {
        println!(
            "audit chain holds: {} rows, {} events, head {}",
            report.rows,
            report.events,
            store::audit::hex(&report.head.hash)
        );
        return Ok(());
    }
    let lines: Vec<String> = report.problems.iter().map(|p| format!("\n  {p}")).collect();
    Err(exit::with(65, format!("audit chain is broken in {} place(s):{}", report.problem_count, lines.concat())))
}

/// `SEQ:HASH` as `GET /api/v1/audit/head` gave it and somebody wrote it down: also finds a cut-off tail.
fn parse_head(text: &str) -> anyhow::Result<(u64, [u8; 32])> {
    let wanted = || exit::with(78, format!("--head is \"{text}\", wanted SEQ:HASH as from /api/v1/audit/head"));
    let (seq, hex) = text.split_once(':').ok_or_else(wanted)?;
    let seq = seq.parse().map_err(|_| wanted())?;
    let mut hash = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(wanted());
    }
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).map_err(|_| wanted())?;
    }
    Ok((seq, hash))
}
