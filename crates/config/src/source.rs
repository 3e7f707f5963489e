//! The texts of one configuration: from a folder, or embedded in the program (the demo).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::work::{self, Work, WorkSource};
use crate::{Problem, RuleText, Settings, Site};

/// All texts of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// `(file, text)` of fenghuo.toml.
    pub settings: (String, String),
    /// Site files.
    pub sites: Vec<(String, String)>,
    /// Rule files.
    pub rules: Vec<(String, String)>,
    /// Files of the work systems.
    pub work: WorkSource,
}

/// A configuration whose files are each right; `Revision::build` then checks what they say about one another.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Settings.
    pub settings: Settings,
    /// Sites.
    pub sites: Vec<Site>,
    /// Rules.
    pub rules: Vec<RuleText>,
    /// Work systems.
    pub work: Work,
}

impl Source {
    /// Reads the files that `file` names, in folders and files relative to it.
    ///
    /// Says nothing about what is in them: [`load`] does, about all files at once.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        let text = read_file(file)?;
        let named = Named::new(file, &text);
        let mut problems = Vec::new();
        let (sites, rules) = (named.folder("sites_dir", &mut problems), named.folder("rules_dir", &mut problems));
        let work = WorkSource {
            profiles: named.folder("profiles_dir", &mut problems),
            plans: named.folder("plans_dir", &mut problems),
            parties: named.file("parties_file", &mut problems),
            roster: named.file("roster_file", &mut problems),
        };
        let settings = (file.display().to_string(), text);
        if problems.is_empty() { Ok(Self { settings, sites, rules, work }) } else { Err(problems) }
    }
}

/// What a settings file, which may have problems elsewhere, says about other files.
struct Named {
    folder: PathBuf,
    keys: BTreeMap<String, String>,
}

impl Named {
    fn new(file: &Path, text: &str) -> Self {
        let (table, _) = toml::de::DeTable::parse_recoverable(text);
        let text_of = |v: &toml::Spanned<toml::de::DeValue<'_>>| v.get_ref().as_str().map(str::to_owned);
        let keys = table.get_ref().iter().filter_map(|(k, v)| Some((k.get_ref().to_string(), text_of(v)?))).collect();
        Self { folder: file.parent().unwrap_or(Path::new(".")).to_owned(), keys }
    }

    /// `sites_dir` is `sites` where nothing else is said.
    fn folder(&self, key: &str, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
        let name = self.keys.get(key).map_or(key.trim_end_matches("_dir"), String::as_str);
        read_folder(&self.folder.join(name)).unwrap_or_else(|p| {
            problems.extend(p);
            Vec::new()
        })
    }

    /// `roster_file` is `roster.toml` where nothing else is said; that one need not be there.
    fn file(&self, key: &str, problems: &mut Vec<Problem>) -> Option<(String, String)> {
        let named = self.keys.get(key);
        let name = named.cloned().unwrap_or_else(|| key.trim_end_matches("_file").to_owned() + ".toml");
        let path = self.folder.join(name);
        if named.is_none() && !path.exists() {
            return None;
        }
        let text = read_file(&path).map_err(|p| problems.extend(p)).ok()?;
        Some((path.display().to_string(), text))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem {
        file: path.display().to_string(),
        line: 1,
        code: "FILE_UNREADABLE",
        key: String::new(),
        message_en: format!("cannot be read: {error}"),
        message_zh: format!("无法读取：{error}"),
    }
}

fn read_file(path: &Path) -> Result<String, Vec<Problem>> {
    std::fs::read_to_string(path).map_err(|e| vec![unreadable(path, &e)])
}

/// All `*.toml` of a folder in the order of their names; a folder that is not there has none.
fn read_folder(path: &Path) -> Result<Vec<(String, String)>, Vec<Problem>> {
    let Ok(entries) = std::fs::read_dir(path) else { return Ok(Vec::new()) };
    let mut files: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    files.iter().map(|p| Ok((p.display().to_string(), read_file(p)?))).collect()
}

/// Reads every text.
///
/// # Errors
/// Every problem of every file.
pub fn load(source: &Source) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let settings = keep(Settings::read(&source.settings.0, &source.settings.1), &mut problems);
    let sites: Vec<_> = source.sites.iter().filter_map(|(f, t)| keep(Site::read(f, t), &mut problems)).collect();
    let rules: Vec<_> = source.rules.iter().filter_map(|(f, t)| keep(RuleText::read(f, t), &mut problems)).collect();
    let texts = work::read(&source.work, &mut problems).filter(|_| sites.len() == source.sites.len());
    let (Some(settings), Some(texts)) = (settings, texts) else { return Err(problems) };
    crate::camera::check(&settings, &sites, &mut problems);
    let work = work::build(texts, (&settings, &sites), &mut problems);
    if problems.is_empty() {
        Ok(Loaded { settings, sites, rules: rules.into_iter().flatten().collect(), work })
    } else {
        Err(problems)
    }
}

fn keep<T>(result: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|p| problems.extend(p)).ok()
}
