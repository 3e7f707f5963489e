//! Files of the work systems: profile, plan cards, parties, roster. Each file is checked by itself, then all against one another.

mod chain;
mod parties;
mod plan;
mod profile;
mod roster;
mod words;

use std::collections::BTreeMap;

use response::WorkSettings;

use crate::{Problem, Settings, Site};

pub use parties::Temper;

/// What the work systems run on, and how the demo plays the parties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// The settings that the hall puts into force.
    pub settings: WorkSettings,
    /// Parties that simulated staff may act for; only the demo does.
    pub simulated: BTreeMap<String, Temper>,
}

/// Texts of the work systems, `(file, text)` each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkSource {
    /// Profiles of the site, over the shipped ones.
    pub profiles: Vec<(String, String)>,
    /// Plan cards.
    pub plans: Vec<(String, String)>,
    /// Parties.
    pub parties: Option<(String, String)>,
    /// Roster pattern.
    pub roster: Option<(String, String)>,
}

/// Files that are each right.
pub(crate) struct WorkTexts {
    profiles: Vec<profile::ProfileText>,
    plans: Vec<plan::PlanText>,
    parties: Option<parties::PartiesText>,
    roster: Option<roster::RosterText>,
}

/// Reads every text by itself.
///
/// # Errors
/// Every problem of every file.
pub(crate) fn read(source: &WorkSource) -> Result<WorkTexts, Vec<Problem>> {
    let mut problems = Vec::new();
    let profiles = each(&source.profiles, profile::read, &mut problems);
    let plans = each(&source.plans, plan::read, &mut problems);
    let parties = each(source.parties.as_slice(), parties::read, &mut problems).pop();
    let roster = each(source.roster.as_slice(), roster::read, &mut problems).pop();
    if problems.is_empty() { Ok(WorkTexts { profiles, plans, parties, roster }) } else { Err(problems) }
}

fn each<T>(
    files: &[(String, String)],
    read: fn(&str, &str) -> Result<T, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let mut all = Vec::with_capacity(files.len());
    for (file, text) in files {
        match read(file, text) {
            Ok(one) => all.push(one),
            Err(more) => problems.extend(more),
        }
    }
    all
}

/// Checks the files against one another, the settings and the sites.
///
/// # Errors
/// Every name that leads nowhere, every value looser than the shipped bound.
pub(crate) fn build(texts: WorkTexts, settings: &Settings, sites: &[Site]) -> Result<Work, Vec<Problem>> {
    let mut problems = Vec::new();
    let profile = profile::join(&texts.profiles, &mut problems);
    let parties = parties::join(texts.parties, (settings, sites, &profile), &mut problems);
    let plans = plan::join(texts.plans, &parties, &mut problems);
    let roster = texts.roster.map(|r| roster::join(r, &settings.accounts, &mut problems)).unwrap_or_default();
    let settings = WorkSettings {
        profile,
        hall: parties.hall,
        parties: parties.parties,
        plans,
        roster,
        drill_obligations: parties.drills,
    };
    if problems.is_empty() { Ok(Work { settings, simulated: parties.simulated }) } else { Err(problems) }
}
