//! What `fenghuo check` says about files: the demo is right, and each mistake has its line, code and remedy.

mod work;

use config::{Known, Loaded, Revision, Source, load};

fn demo() -> Loaded {
    load(&Source::demo()).expect("the demo's files are right")
}

/// Replaces `old` by `new` in the demo's files and checks that exactly one problem comes, with this code and text.
#[track_caller]
fn check(old: &str, new: &str, code: &str, text: &str) {
    let mut source = Source::demo();
    let files = std::iter::once(&mut source.settings).chain(&mut source.sites).chain(&mut source.rules);
    let mut hits = 0;
    let mut line = 0;
    for (_, t) in files {
        if hits == 0 && t.contains(old) {
            hits = 1;
            line = 1 + t[..t.find(old).unwrap()].matches('\n').count();
            *t = t.replacen(old, new, 1);
        }
    }
    assert_eq!(hits, 1, "the demo has no {old:?}");
    let problems = match load(&source).and_then(|l| Revision::build(&l, &Known::default(), 1)) {
        Ok(_) => panic!("{new:?} was accepted"),
        Err(problems) => problems,
    };
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{shown:#?}");
    assert_eq!(problems[0].code, code, "{shown:?}");
    assert!(shown[0].contains(text), "{shown:?}");
    assert!((line..=line + 3).contains(&problems[0].line), "line {line}: {shown:?}");
    assert!(!problems[0].message_zh.is_ascii(), "no Chinese: {shown:?}");
}

#[test]
fn the_demo_has_about_300_tags_and_all_its_conditions() {
    let revision = Revision::build(&demo(), &Known::default(), 1).unwrap();
    let tags = revision.directory.tags().len();
    assert!((280..=340).contains(&tags), "{tags} tags");
    assert_eq!(revision.rules.tags.len(), tags);
    assert!(revision.rules.conditions.len() > 700, "{} conditions", revision.rules.conditions.len());
    assert!(revision.known.conditions.contains(&"chem-01/sphere-1.nh3.01/hh".to_owned()));
}

#[test]
fn row_39_a_misspelt_key_names_its_line_and_the_key_meant() {
    check("connections_max = 10000", "conections_max = 10000", "KEY_UNKNOWN", "did you mean \"connections_max\"?");
}

#[test]
fn row_39_a_bad_duration_says_what_is_wanted() {
    check("snapshot_every_s = 30", "snapshot_every_s = \"30x\"", "VALUE_TYPE", "wanted a finite number");
    check("snapshot_every_s = 30", "snapshot_every_s = 0", "VALUE_RANGE", "wanted 1 to 3600");
}

#[test]
fn an_address_that_is_none() {
    check("listen = \"127.0.0.1:8600\"", "listen = \"localhost\"", "VALUE_RANGE", "wanted an address");
}

#[test]
fn row_29_high_below_low_gives_both_values() {
    check(
        "limits = { ll = 5, l = 10, h = 85, hh = 90 }",
        "limits = { ll = 5, l = 90, h = 85, hh = 95 }",
        "RULE_RANGE",
        "limits.l is 90 and limits.h is 85",
    );
}

#[test]
fn a_limit_outside_the_span() {
    check("limits = { ll = 1.5, l = 2.5 }", "limits = { ll = 1.5, l = 9 }", "RULE_RANGE", "outside the span [0, 6]");
}

#[test]
fn row_27_a_rule_with_an_undefined_tag() {
    check("and \"tank-2.inlet-valve\"", "and \"tank-2.inlet-valv\"", "RULE_TAG_UNKNOWN", "tank-2.inlet-valve");
    check("tag = \"sphere-1.nh3.01\"\nwhen", "tag = \"sphere-1.nh3.99\"\nwhen", "RULE_TAG_UNKNOWN", "sphere-1.nh3.9");
}

#[test]
fn row_28_a_rule_that_may_divide_by_zero_is_watched_by_a_diagnostic_condition() {
    let mut source = Source::demo();
    let rule = "[[rule]]\nid = \"fill\"\nenterprise = \"chem-01\"\ntag = \"tank-2.level\"\nmessage_zh = \"装料\"\n\
        message_en = \"Filling\"\nwhen = '\"tank-2.level\" / \"tank-1.level\" > 2'\n";
    source.rules[0].1.push_str(rule);
    let revision = Revision::build(&load(&source).unwrap(), &Known::default(), 1).unwrap();
    let watched: Vec<_> = revision.rules.conditions.iter().filter(|c| c.key.ends_with("/faulted")).collect();
    assert_eq!(watched.len(), 1, "only rules that divide");
    assert_eq!((&*watched[0].key, watched[0].priority), ("chem-01/fill/faulted", model::Priority::Diagnostic));
    assert!(watched[0].message_en.contains("division by zero") && !watched[0].message_zh.is_ascii());
}

#[test]
fn all_problems_of_all_files_come_at_once() {
    let mut source = Source::demo();
    source.settings.1 = source.settings.1.replace("desk =", "dsk =").replace("\"duty_officer\"", "\"boss\"");
    source.sites[0].1 = source.sites[0].1.replace("kind = \"chemical\"", "knd = \"chemical\"");
    source.rules[0].1 = "[[rule]]\nid = 5\n".into();
    let problems = load(&source).unwrap_err();
    let mut files: Vec<&str> = problems.iter().map(|p| p.file.rsplit('/').next().unwrap()).collect();
    files.dedup();
    assert_eq!(files, ["fenghuo.toml", "chem-01.toml", "hazards.toml"]);
    assert!(problems.len() >= 8, "{problems:#?}");
}

#[test]
fn numbers_stay_when_tags_go_and_come() {
    let first = Revision::build(&demo(), &Known::default(), 1).unwrap();
    let mut fewer = demo();
    fewer.sites.remove(0);
    fewer.rules.clear();
    let second = Revision::build(&fewer, &first.known, 2).unwrap();
    let third = Revision::build(&demo(), &second.known, 3).unwrap();
    assert_eq!(first.known, third.known);
    assert_eq!(first.rules.conditions, third.rules.conditions);
    let gone = second.directory.find("chem-01", "sphere-1.level").unwrap();
    assert!(second.directory.get(gone).unwrap().retired);
    assert!(second.rules.tags[gone.0 as usize].retired);
    let retired = second.rules.conditions.iter().filter(|c| c.retired).count();
    assert!(retired > 100, "{retired}");
}

#[test]
fn a_syntax_error_is_a_problem_with_its_line() {
    let mut source = Source::demo();
    source.rules[0].1 = "[[rule]]\nid = \n".into();
    let problems = load(&source).unwrap_err();
    assert!(problems.iter().any(|p| p.code == "SYNTAX" && p.line == 2), "{problems:#?}");
}

/// The site of one detector whose two contacts are tags of their own.
fn contacts(second: &str) -> Result<Revision, Vec<String>> {
    let site = format!(
        "[enterprise]\nid = \"plant\"\nname_zh = \"厂\"\nname_en = \"Plant\"\n[[tag]]\ntag = \"al1\"\n\
         limits = {{ h = 1 }}\nperiod_s = 10\n[[tag]]\ntag = \"lel\"\nunit = \"%LEL\"\nspan = [0, 100]\n\
         limits = {{ h = 25, hh = 50 }}\n[[tag]]\ntag = \"bare\"\nunit = \"ppm\"\n[[tag]]\ntag = \"al2\"\n{second}\n"
    );
    let mut source = Source::demo();
    source.sites = vec![("sites/plant.toml".into(), site)];
    source.rules = vec![];
    let words = |problems: Vec<config::Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    Revision::build(&load(&source).map_err(words)?, &Known::default(), 1).map_err(words)
}

#[test]
fn a8_a_second_level_names_its_first_and_is_watched_against_it() {
    let found = |second: &str| {
        let revision = contacts(second).unwrap();
        let c = revision.rules.conditions.iter().find(|c| &*c.key == "plant/al2/inconsistent").cloned().unwrap();
        assert!(matches!(c.kind, alarm::ConditionKind::Inconsistent(_)), "{c:?}");
        (c.on_delay_s, c.class.to_string(), u8::from(c.priority))
    };
    // A switch beside a switch that reports every 10 s, and beside a measured value.
    assert_eq!(found("limits = { hh = 1 }\nfirst_level = \"al1\""), (20.0, "sensor-fault".into(), 5));
    assert_eq!(found("limits = { hh = 1 }\nfirst_level = \"lel\""), (5.0, "sensor-fault".into(), 5));
    for (second, says) in [
        ("first_level = \"al_1\"", "RULE_TAG_UNKNOWN"),
        ("first_level = \"al2\"", "RULE_RANGE"),
        ("first_level = \"bare\"", "RULE_RANGE"),
        ("unit = \"ppm\"\nfirst_level = \"al1\"", "RULE_RANGE"),
    ] {
        let problems = contacts(second).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(says), "{second}: {problems:?}");
    }
}

#[test]
fn rows_21_and_22_a_camera_has_an_address_that_may_be_used() {
    let camera = "[[camera]]\nid = \"chem-tanks\"\n";
    let with = |extra: &str| format!("{camera}{extra}\n");
    let url = |url: &str| with(&format!("url = \"{url}\""));
    check(camera, &url("file:///etc/passwd"), "URL_SCHEME", "wanted rtsp://");
    check(camera, &url("rtsps://10.1.1.1/"), "URL_SCHEME", "rtsps is not supported");
    check(camera, &url("rtsp://169.254.169.254/"), "URL_FORBIDDEN_NET", "link-local");
    check(camera, &url("rtsp://[::ffff:169.254.1.1]:554/"), "URL_FORBIDDEN_NET", "link-local");
    check(camera, &url("rtsp://[::1]/"), "URL_FORBIDDEN_NET", "loopback");
    check(camera, &url("rtsp://user:secret@10.1.1.1/"), "URL_LOGIN", "rtsp://…");
    check(camera, &url("rtsp://10.1.1.1:99999/"), "URL_INVALID", "cannot be read");
    check(camera, &with("sub_url = \"http://10.1.1.1/\""), "URL_SCHEME", "`sub_url`");
    check(camera, &with("tags = [\"sphere-9.nh3\"]"), "TAG_UNKNOWN", "sphere-9.nh3");
    check(camera, &with("volume = \"elsewhere\""), "VALUE_RANGE", "no [[volume]]");
    check(camera, &with("user = \"admin\""), "KEY_MISSING", "password_file");
    check(camera, &with("mode = \"always\""), "VALUE_RANGE", "continuous");
    check("id = \"chem-tanks\"", "id = \"../tanks\"", "VALUE_RANGE", "letters");
    check("id = \"chem-gate\"", "id = \"chem-tanks\"", "VALUE_RANGE", "already");
    check("allow = [\"127.0.0.0/8\"]", "allow = [\"loopback\"]", "VALUE_RANGE", "192.168.7.0/24");
}
