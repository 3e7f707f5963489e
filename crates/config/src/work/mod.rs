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

/// Files as far as they could be read: what one says about another is checked although it has problems of its own.
pub(crate) struct WorkTexts {
    profiles: Vec<profile::ProfileText>,
    plans: Vec<plan::PlanText>,
    parties: Option<parties::PartiesText>,
    roster: Option<roster::RosterText>,
}

/// Reads every text by itself and adds every problem of every file. None if one of them is no TOML: names that others
/// look for may then be missing.
pub(crate) fn read(source: &WorkSource, problems: &mut Vec<Problem>) -> Option<WorkTexts> {
    let before = problems.len();
    let profiles = each(&source.profiles, profile::read, problems);
    let plans = each(&source.plans, plan::read, problems);
    let parties = each(source.parties.as_slice(), parties::read, problems).pop();
    let roster = each(source.roster.as_slice(), roster::read, problems).pop();
    let whole = problems[before..].iter().all(|p| p.code != "SYNTAX");
    whole.then_some(WorkTexts { profiles, plans, parties, roster })
}

fn each<T>(
    files: &[(String, String)],
    read: fn(&str, &str) -> (T, Vec<Problem>),
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let mut all = Vec::with_capacity(files.len());
    for (file, text) in files {
        let (one, more) = read(file, text);
        all.push(one);
        problems.extend(more);
    }
    all
}

/// Checks the files against one another, the settings and the sites; adds every name that leads nowhere and every value
/// looser than the shipped bound.
pub(crate) fn build(texts: WorkTexts, (settings, sites): (&Settings, &[Site]), problems: &mut Vec<Problem>) -> Work {
    let profile = profile::join(&texts.profiles, problems);
    let parties = parties::join(texts.parties, (settings, sites, &profile), problems);
    let plans = plan::join(texts.plans, &parties, problems);
    let roster = texts.roster.map(|r| roster::join(r, &settings.accounts, problems)).unwrap_or_default();
    let settings = WorkSettings {
        profile,
        hall: parties.hall,
        parties: parties.parties,
        plans,
        roster,
        drill_obligations: parties.drills,
    };
    Work { settings, simulated: parties.simulated }
}
