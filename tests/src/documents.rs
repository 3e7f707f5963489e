//! What the documents say is true: every command in them runs here or in a test that is named, every link leads somewhere.

use std::path::Path;
use std::process::Command;

use hall_tests::child::{Hall, binary, top};

const DOCUMENTS: [&str; 2] = ["README.md", "README.zh-CN.md"];

/// Commands that other tests or the CI itself run.
const ELSEWHERE: [(&str, &str); 4] = [
    ("make demo", "what it starts is started by every end-to-end test; the browser tests drive it"),
    ("make test", "it is what runs this test"),
    ("make bench", "run by hand; its report is committed"),
    ("fenghuo serve", "lifecycle.rs and configuration.rs"),
];

/// Fenced blocks of a language, with the line each begins at.
fn blocks(text: &str, language: &str) -> Vec<(usize, Vec<String>)> {
    let mut all = Vec::new();
    let mut open: Option<(usize, bool, Vec<String>)> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(word), None) => open = Some((number + 1, word.trim() == language, Vec::new())),
            (Some(_), Some((at, wanted, lines))) => {
                if wanted {
                    all.push((at, lines));
                }
            }
            (None, Some((at, wanted, mut lines))) => {
                lines.push(line.to_owned());
                open = Some((at, wanted, lines));
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    all
}

/// The command with the real program, ports and password in it.
fn real(command: &str, hall: &Hall, data: &Path) -> String {
    let (_, password) = hall.device();
    let port = hall.mqtt_address().rsplit_once(':').expect("a port").1.to_owned();
    let program = match command.strip_prefix("fenghuo ") {
        Some(rest) => format!("{} {rest}", binary().display()),
        None => command.to_owned(),
    };
    program
        .replace("PASSWORD", &password)
        .replace("-p 1884", &format!("-p {port}"))
        .replace("data/demo", &data.display().to_string())
}

#[test]
fn every_command_of_the_readme_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let hall = Hall::start(&data);
    let mut ran = 0;
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(top().join(document)).unwrap_or_else(|e| panic!("{document}: {e}"));
        for (line, block) in blocks(&text, "console") {
            for command in block.iter().filter_map(|l| l.trim_start().strip_prefix("$ ")) {
                if ELSEWHERE.iter().any(|(known, _)| command.starts_with(known)) {
                    continue;
                }
                let shell = real(command, &hall, &data);
                let out = Command::new("bash").args(["-c", &shell]).current_dir(top()).output().expect("bash runs");
                // `doctor` says what is amiss with this machine; that it looks is what counts.
                let good =
                    out.status.success() || (command.starts_with("fenghuo doctor") && out.status.code() == Some(69));
                let said = String::from_utf8_lossy(&out.stderr).into_owned();
                assert!(good, "{document}:{line}: {command}: {} {said}", out.status);
                ran += 1;
            }
        }
    }
    assert!(ran >= 4, "only {ran} commands were found");
}

/// Links of the form `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    for document in DOCUMENTS.into_iter().chain(["ARCHITECTURE.md", "CHANGELOG.md"]) {
        let text = std::fs::read_to_string(top().join(document)).unwrap_or_else(|e| panic!("{document}: {e}"));
        for link in links(&text).into_iter().filter(|l| !l.contains("://") && !l.starts_with('#')) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(top().join(file).exists(), "{document}: {link} does not exist");
        }
    }
}

#[test]
fn both_readmes_show_the_same_commands() {
    let commands = |document: &str| -> Vec<String> {
        let text = std::fs::read_to_string(top().join(document)).expect("the document");
        let lines = blocks(&text, "console").into_iter().flat_map(|(_, lines)| lines);
        lines.filter(|l| l.trim_start().starts_with("$ ")).map(|l| l.trim().to_owned()).collect()
    };
    assert_eq!(commands(DOCUMENTS[0]), commands(DOCUMENTS[1]));
}
