//! `fenghuo check`: every problem of a configuration, and nothing else.

use std::path::Path;

use config::{Known, Loaded, Problem, Revision, Source, load};

use crate::exit;

/// Reads and checks a configuration.
///
/// # Errors
/// Exit 78 with every problem, a line each.
pub fn loaded(source: &Source) -> anyhow::Result<Loaded> {
    load(source).map_err(|p| problems(&p))
}

/// Reads the files of a configuration.
///
/// # Errors
/// Exit 78.
pub fn source(file: &Path) -> anyhow::Result<Source> {
    Source::read(file).map_err(|p| problems(&p))
}

/// The problems as one error.
pub fn problems(all: &[Problem]) -> anyhow::Error {
    let lines: Vec<String> = all.iter().map(|p| format!("\n  {p}")).collect();
    exit::with(
        78,
        format!("{} problem(s) in the configuration / 配置中有 {} 处问题{}", all.len(), all.len(), lines.concat()),
    )
}

/// Checks and says how much there is.
///
/// # Errors
/// Exit 78 with every problem.
#[allow(clippy::print_stdout, reason = "what the command is for")]
pub fn run(file: &Path) -> anyhow::Result<()> {
    let loaded = loaded(&source(file)?)?;
    let revision = Revision::build(&loaded, &Known::default(), 1).map_err(|p| problems(&p))?;
    key_files(&loaded)?;
    let work = &loaded.work.settings;
    println!(
        "{}: no problems. {} enterprises, {} tags, {} conditions; {} parties, {} plan cards, {} profile values, {} crews.",
        file.display(),
        revision.directory.enterprises.len(),
        revision.directory.tags().len(),
        revision.rules.conditions.len(),
        work.parties.len(),
        work.plans.len(),
        work.profile.len(),
        work.roster.crews.len(),
    );
    Ok(())
}

/// Key and certificate files must be readable before the doors open.
fn key_files(loaded: &Loaded) -> anyhow::Result<()> {
    let Some(tls) = &loaded.settings.mqtt.tls else { return Ok(()) };
    let files = [Some(&tls.certificate), Some(&tls.key), tls.client_authority.as_ref()];
    let unreadable = |file: &std::path::PathBuf| {
        let error = std::fs::read(file).err()?;
        Some(format!("\n  {}: FILE_UNREADABLE {error} / 无法读取", file.display()))
    };
    let lines: Vec<String> = files.into_iter().flatten().filter_map(unreadable).collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(exit::with(78, format!("{} file(s) of mqtt.tls cannot be read{}", lines.len(), lines.concat())))
}

/// Prints the OpenAPI document.
///
/// # Errors
/// None in practice.
#[allow(clippy::print_stdout, reason = "what the command is for")]
pub fn openapi() -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(&api::document())?);
    Ok(())
}
