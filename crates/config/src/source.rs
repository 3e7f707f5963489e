//! The texts of one configuration: from a folder, or embedded in the program (the demo).

use std::path::{Path, PathBuf};

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
}

impl Source {
    /// Reads the files that `file` names: `sites_dir` and `rules_dir` are relative to it.
    ///
    /// Says nothing about what is in them: [`load`] does, about all files at once.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        let text = read_file(file)?;
        let name = file.display().to_string();
        let (sites, rules) = folders(&text);
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut problems = Vec::new();
        let mut folder_of = |dir: &Path| {
            read_folder(&folder.join(dir)).unwrap_or_else(|p| {
                problems.extend(p);
                Vec::new()
            })
        };
        let (sites, rules) = (folder_of(&sites), folder_of(&rules));
        if problems.is_empty() { Ok(Self { settings: (name, text), sites, rules }) } else { Err(problems) }
    }
}

/// Folders of a settings file that may have problems elsewhere.
fn folders(text: &str) -> (PathBuf, PathBuf) {
    let (table, _) = toml::de::DeTable::parse_recoverable(text);
    let folder = |key: &str| {
        table.get_ref().get(key).and_then(|v| v.get_ref().as_str()).unwrap_or(key.trim_end_matches("_dir")).into()
    };
    (folder("sites_dir"), folder("rules_dir"))
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
    match settings {
        Some(settings) if problems.is_empty() => {
            Ok(Loaded { settings, sites, rules: rules.into_iter().flatten().collect() })
        }
        _ => Err(problems),
    }
}

fn keep<T>(result: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|p| problems.extend(p)).ok()
}
