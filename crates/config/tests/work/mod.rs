//! What `fenghuo check` says about the files of the work systems.

use config::{Loaded, Problem, Source, Temper, load};
use response::{WorkSettings, profile};

fn file<'s>(source: &'s mut Source, name: &str) -> &'s mut String {
    let work = &mut source.work;
    let files = work.profiles.iter_mut().chain(&mut work.plans).chain(&mut work.parties).chain(&mut work.roster);
    let found = files.into_iter().find(|(f, _)| f.ends_with(name));
    &mut found.unwrap_or_else(|| panic!("the demo has no file {name}")).1
}

/// Puts `new` for the first `old` of a file of the demo; answers its line and the problems.
#[track_caller]
fn problems(name: &str, old: &str, new: &str) -> (usize, Vec<Problem>) {
    let mut source = Source::demo();
    let text = file(&mut source, name);
    let at = text.find(old).unwrap_or_else(|| panic!("{name} has no {old:?}"));
    let line = 1 + text[..at].matches('\n').count();
    text.replace_range(at..at + old.len(), new);
    match load(&source) {
        Ok(_) => panic!("{new:?} was accepted"),
        Err(problems) => (line, problems),
    }
}

/// Exactly one problem comes: this code, with these words, at the place of the change.
#[track_caller]
fn check(name: &str, (old, new): (&str, &str), code: &str, text: &str) {
    let (line, problems) = problems(name, old, new);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1, "{shown:#?}");
    let problem = &problems[0];
    assert_eq!(problem.code, code, "{shown:?}");
    assert!(shown[0].contains(text), "{shown:?} lacks {text:?}");
    assert!(problem.file.ends_with(name), "{shown:?}");
    // A circle is told at one of its members.
    let near = if code == "CYCLE" { 80 } else { 12 };
    assert!((line.saturating_sub(near)..=line + near).contains(&problem.line), "line {line}: {shown:?}");
    assert!(!problem.key.is_empty() && !problem.message_zh.is_ascii(), "{problem:?}");
}

fn demo() -> Loaded {
    load(&Source::demo()).expect("the demo's files are right")
}

fn settings() -> WorkSettings {
    demo().work.settings
}

#[test]
fn x1_five_plan_cards_have_orders_for_every_level_and_a_higher_level_adds_to_a_lower() {
    let settings = settings();
    let ids: Vec<&str> = settings.plans.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["ammonia-leak", "chlorine-leak", "crowded-building-fire", "dust-explosion", "tank-fire"]);
    for plan in &settings.plans {
        let count: Vec<usize> = (1..=4).map(|l| plan.levels[&l].len()).collect();
        assert!(count[3] >= 8 && count.is_sorted_by(|a, b| a > b), "{}: {count:?}", plan.id);
        for low in &plan.levels[&4] {
            assert!(plan.levels[&1].iter().any(|t| t.id == low.id), "{} {}", plan.id, low.id);
        }
        assert_eq!(plan.groups.len(), 8, "{}", plan.id);
        assert_eq!(plan.conditions.len(), 4, "{}", plan.id);
        assert!(plan.checklists.iter().all(|c| !c.items.is_empty()), "{}", plan.id);
    }
}

#[test]
fn every_line_of_a_plan_card_has_a_source_and_both_languages() {
    for plan in settings().plans {
        let known = |id: &str| plan.sources.iter().any(|s| s.id == id);
        assert!(plan.sources.iter().any(|s| &*s.confidence != "G"), "{} rests on nothing", plan.id);
        for task in plan.levels.values().flatten() {
            assert!(known(&task.source), "{} {}", plan.id, task.id);
            assert!(!task.text_zh.is_ascii() && task.text_en.len() > 20, "{} {}", plan.id, task.id);
        }
        for item in plan.checklists.iter().flat_map(|c| &c.items) {
            assert!(known(&item.source) && !item.zh.is_ascii() && !item.en.is_empty(), "{} {item:?}", plan.id);
        }
    }
}

#[test]
fn receivers_of_plans_are_parties_that_the_hall_commands_or_the_incidents_own() {
    let settings = settings();
    for task in settings.plans.iter().flat_map(|p| p.levels.values().flatten()) {
        let own = ["enterprise", "town"].contains(&task.receiver.as_str());
        assert!(own || settings.commands(&task.receiver), "{} goes to {}", task.id, task.receiver);
    }
}

#[test]
fn teams_and_enterprises_that_only_other_files_know_can_be_ordered_too() {
    let settings = settings();
    let everybody = ["brigade-1", "chem-01", "metal-01", "mall-01", "mall-01-control", "captain-chen", "town-east"];
    assert!(everybody.iter().all(|id| settings.commands(id)));
    let mut source = Source::demo();
    source.work.parties = None;
    source.work.plans.clear();
    let bare = load(&source).unwrap().work;
    assert!(bare.settings.commands("hazmat") && bare.settings.commands("chem-01"));
    assert!(!bare.settings.commands("captain-chen") && bare.simulated.is_empty());
}

#[test]
fn the_sites_profile_goes_over_the_shipped_one() {
    let settings = settings();
    assert_eq!(settings.value("order.ack.I"), Some(25.0), "the demo shortens it");
    assert_eq!(settings.value("order.ack.III"), profile::built_in("order.ack.III").map(|b| b.value));
    let drill = settings.origin("drill.every.enterprise").unwrap();
    assert_eq!((&*drill.confidence, drill.value), ("V", 182.0));
    assert!(drill.article.contains("第八条"), "{drill:?}");
}

#[test]
fn drill_duties_follow_the_parties() {
    let settings = settings();
    let days = |party: &str| settings.drill_obligations.iter().find(|d| d.party == party).map(|d| d.every_d);
    assert_eq!((days("chem-01"), days("hq"), days("police")), (Some(182.0), Some(730.0), None));
}

#[test]
fn staff_play_only_parties_that_the_settings_call_simulated() {
    let simulated = demo().work.simulated;
    let of = |id: &str| simulated.get(id).copied();
    assert_eq!((of("brigade-1"), of("hazmat")), (Some(Temper::Prompt), Some(Temper::Slow)));
    assert_eq!((of("metal-01"), of("town-east"), of("hq")), (Some(Temper::Refuses), Some(Temper::Silent), None));
}

#[test]
fn mistakes_in_a_plan_card_name_file_line_and_key() {
    let plan = "ammonia-leak.toml";
    let table = [
        (("receiver = \"fire\"", "receiver = \"fyre\""), "NAME_UNKNOWN", "did you mean \"fire\"?"),
        (
            ("role = \"rescue\"", "role = \"rescu\""),
            "NAME_UNKNOWN",
            "wanted a role of [roles], did you mean \"rescue\"?",
        ),
        (("group = \"medical\"", "group = \"medics\""), "NAME_UNKNOWN", "wanted a group of this plan"),
        (
            (
                "source = \"erg-125\"\n[[task]]\nid = \"plant-muster\"",
                "source = \"erg-152\"\n[[task]]\nid = \"plant-muster\"",
            ),
            "NAME_UNKNOWN",
            "did you mean \"erg-125\"?",
        ),
        (("from = \"III\"", "from = \"V\""), "NAME_UNKNOWN", "wanted a level (I, II, III or IV)"),
        (("after = [\"recon\"]", "after = [\"reconn\"]"), "NAME_UNKNOWN", "did you mean \"recon\"?"),
        (
            ("after = [\"recon\"]", "after = [\"field-command\"]"),
            "VALUE_RANGE",
            "which some level of this task (from IV) does not have",
        ),
        (
            ("after = [\"fire-turnout\", \"cordon-first\"]", "after = [\"leak-stop\"]"),
            "CYCLE",
            "leak-stop → recon → leak-stop",
        ),
        (("ack_within_s = 60", "ack_within_s = 0"), "VALUE_RANGE", "`ack_within_s` is 0, wanted 1 to 86400"),
        (("ack_within_s = 60", "ack_within_s = 7200"), "VALUE_RANGE", "looser than complete_within_s (1200 s)"),
        (("complete_within_s = 1200", ""), "KEY_MISSING", "key `complete_within_s` is missing"),
        (("id = \"plant-muster\"", "id = \"plant-isolate\""), "NAME_TWICE", "which line"),
        (("confidence = \"V\"", "confidence = \"A\""), "VALUE_RANGE", "wanted one of V, S, K, G"),
    ];
    for (change, code, text) in table {
        check(plan, change, code, text);
    }
}

#[test]
fn two_plan_cards_of_one_id_and_a_misspelt_key() {
    let (_, twice) = problems("ammonia-leak.toml", "id = \"ammonia-leak\"", "id = \"tank-fire\"");
    assert!(twice.len() == 1 && twice[0].code == "NAME_TWICE", "{twice:#?}");
    assert!(twice[0].message_en.contains("of config/plans/ammonia-leak.toml"), "{twice:#?}");
    let (_, misspelt) = problems("ammonia-leak.toml", "chemical = \"ammonia\"", "chemicl = \"ammonia\"");
    let codes: Vec<&str> = misspelt.iter().map(|p| p.code).collect();
    assert_eq!(codes, ["KEY_MISSING", "KEY_UNKNOWN"], "{misspelt:#?}");
}

#[test]
fn a_level_without_orders_cannot_be_activated() {
    let mut source = Source::demo();
    let text = file(&mut source, "tank-fire.toml");
    *text = text.replace("from = \"IV\"", "from = \"III\"");
    let problems = load(&source).unwrap_err();
    assert!(
        problems.iter().any(|p| p.code == "KEY_MISSING" && p.message_en.contains("level IV has no")),
        "{problems:#?}"
    );
}

#[test]
fn mistakes_in_the_parties_name_file_line_and_key() {
    let table = [
        (
            ("superior = \"fire-brigade\"", "superior = \"fire-brigde\""),
            "NAME_UNKNOWN",
            "did you mean \"fire-brigade\"?",
        ),
        (("substitutes = [\"brigade-2\"]", "substitutes = [\"brigade-3\"]"), "NAME_UNKNOWN", "wanted a party"),
        (
            ("substitutes = [\"brigade-2\"]", "substitutes = [\"brigade-1\"]"),
            "VALUE_RANGE",
            "names \"brigade-1\" itself",
        ),
        (("town = \"town-river\"", "town = \"town-rivr\""), "NAME_UNKNOWN", "did you mean \"town-river\"?"),
        (("kind = \"team\"", "kind = \"squad\""), "VALUE_RANGE", "wanted one of unit, team, person, enterprise, town"),
        (("id = \"brigade-2\"", "id = \"brigade-1\""), "NAME_TWICE", "which line"),
        (("simulated = \"slow\"", "simulated = \"lazy\""), "VALUE_RANGE", "prompt, slow, refuses, silent"),
        (
            ("drill = \"drill.every.enterprise\"", "drill = \"drill.every.firm\""),
            "VALUE_RANGE",
            "drill.every.enterprise",
        ),
        (("hall = \"hq\"", "hall = \"hqq\""), "NAME_UNKNOWN", "did you mean \"hq\"?"),
        (("medical = \"hospital\"", "medical = \"hospitl\""), "NAME_UNKNOWN", "did you mean \"hospital\"?"),
        (
            ("medical = \"hospital\"", "town = \"hospital\"\nmedical = \"hospital\""),
            "VALUE_RANGE",
            "filled by the incident itself",
        ),
        (
            ("id = \"police\"\nkind = \"unit\"", "id = \"police\"\nkind = \"unit\"\naccount = \"dutty\""),
            "NAME_UNKNOWN",
            "did you mean \"duty\"?",
        ),
    ];
    for (change, code, text) in table {
        let extra = problems("parties.toml", change.0, change.1).1;
        // A second party of one id makes the first unknown to those who name it.
        if code == "NAME_TWICE" || change.1.contains("hqq") {
            assert!(extra.iter().any(|p| p.code == code && p.message_en.contains(text)), "{extra:#?}");
        } else {
            check("parties.toml", change, code, text);
        }
    }
}

#[test]
fn a_chain_of_command_that_bites_its_tail() {
    let change = (
        "name_en = \"District fire brigade\"\nsuperior = \"hq\"",
        "name_en = \"District fire brigade\"\nsuperior = \"brigade-1\"",
    );
    check("parties.toml", change, "CYCLE", "brigade-1 → fire-brigade → brigade-1");
}

#[test]
fn a_role_must_be_under_the_hall() {
    let change = (
        "id = \"media\"\nkind = \"unit\"\nname_zh = \"区委宣传部\"\nname_en = \"Public information office\"\nsuperior = \"hq\"\n",
        "id = \"media\"\nkind = \"unit\"\nname_zh = \"区委宣传部\"\nname_en = \"Public information office\"\n",
    );
    let (_, problems) = problems("parties.toml", change.0, change.1);
    assert!(problems.len() == 1 && problems[0].code == "OUTSIDE_CHAIN", "{problems:#?}");
    assert!(problems[0].message_en.contains("not under \"hq\""), "{problems:#?}");
}

#[test]
fn mistakes_in_the_roster_name_file_line_and_key() {
    let table = [
        (
            ("starts_at_s = 57600\nlength_s = 28800", "starts_at_s = 57600\nlength_s = 28000"),
            "SHIFT_GAP",
            "nobody is on duty from 23:46:40 to 00:00:00",
        ),
        (
            ("starts_at_s = 57600\nlength_s = 28800", "starts_at_s = 57600\nlength_s = 30600"),
            "SHIFT_OVERLAP",
            "both on duty from 00:00:00 to 00:30:00",
        ),
        (("starts_at_s = 0", "starts_at_s = 90000"), "VALUE_RANGE", "wanted 0 to 86399"),
        (("length_s = 28800", "length_s = -1"), "VALUE_RANGE", "wanted 1 to 86400"),
        (("leader = \"commander2\"", "leader = \"comander2\""), "NAME_UNKNOWN", "did you mean \"commander2\"?"),
        (("standby = [\"duty3\"]", "standby = [\"dutty3\"]"), "NAME_UNKNOWN", "account of fenghuo.toml"),
        (("main = \"lead\"", "main = \"wall\""), "VALUE_RANGE", "whose role stands no watch"),
        (("deputies = [\"duty\"]", "deputies = []"), "KEY_MISSING", "at least one account"),
        (("standby = [\"duty3\"]", "standby = [\"duty\"]"), "NAME_TWICE", "in this crew already"),
        (("utc_offset_s = 28800", "utc_offset_s = 288000"), "VALUE_RANGE", "wanted -50400 to 50400"),
    ];
    for (change, code, text) in table {
        check("roster.toml", change, code, text);
    }
}

#[test]
fn shifts_without_a_crew() {
    let mut source = Source::demo();
    let text = file(&mut source, "roster.toml");
    text.truncate(text.find("[[crew]]").unwrap());
    let problems = load(&source).unwrap_err();
    assert!(problems.len() == 1 && problems[0].message_en.contains("no [[crew]]"), "{problems:#?}");
}

#[test]
fn r5_mistakes_in_a_profile_name_file_line_and_key() {
    let table = [
        (("key = \"order.ack.I\"", "key = \"order.akc.I\""), "NAME_UNKNOWN", "did you mean \"order.ack.I\"?"),
        (("value = 25", "value = 0"), "VALUE_RANGE", "`value` is 0 s, wanted above 0"),
        (("value = 25", "value = -5"), "VALUE_RANGE", "wanted above 0"),
        (("value = 25", "value = 301"), "VALUE_RANGE", "looser than the shipped profile allows; wanted at most 300 s"),
        (("value = 25", "value = \"25\""), "VALUE_TYPE", "wanted a finite number"),
        (("value = 25\n", ""), "KEY_MISSING", "key `value` is missing"),
        (("unit = \"s\"", "unit = \"d\""), "VALUE_RANGE", "\"order.ack.I\" is counted in \"s\""),
        (("confidence = \"G\"", "confidence = \"sure\""), "VALUE_RANGE", "wanted one of V, S, K, G"),
        (("key = \"order.ack.II\"", "key = \"order.ack.I\""), "NAME_TWICE", "which line"),
    ];
    for (change, code, text) in table {
        check("demo.toml", change, code, text);
    }
}

#[test]
fn one_key_in_two_profiles_of_a_site() {
    let mut source = Source::demo();
    let again = source.work.profiles[0].1.clone();
    source.work.profiles.push(("profiles/more.toml".into(), again));
    let problems = load(&source).unwrap_err();
    assert!(problems.iter().all(|p| p.code == "NAME_TWICE" && p.file == "profiles/more.toml"), "{problems:#?}");
}

#[test]
fn a_plan_card_with_a_circle_is_held_against_the_parties_all_the_same() {
    let mut source = Source::demo();
    let text = file(&mut source, "ammonia-leak.toml");
    *text = text.replace("after = [\"fire-turnout\", \"cordon-first\"]", "after = [\"leak-stop\"]");
    *text = text.replace("receiver = \"medical\"", "receiver = \"medics\"");
    let text = file(&mut source, "roster.toml");
    *text = text.replace("length_s = 28800", "length_s = 20000").replace("\"lead3\"", "\"led3\"");
    let codes: Vec<&str> = load(&source).unwrap_err().iter().map(|p| p.code).collect();
    let unknown = ["NAME_UNKNOWN"; 3];
    assert_eq!(codes, [&["CYCLE", "SHIFT_GAP", "SHIFT_GAP", "SHIFT_GAP"][..], &unknown].concat());
}

#[test]
fn problems_of_all_work_files_come_at_once() {
    let mut source = Source::demo();
    for (name, old, new) in [
        ("demo.toml", "value = 25", "value = 0"),
        ("dust-explosion.toml", "from = \"IV\"", "from = \"IIII\""),
        ("parties.toml", "kind = \"team\"", "kind = \"gang\""),
        ("roster.toml", "length_s = 28800", "length_s = 0"),
    ] {
        let text = file(&mut source, name);
        *text = text.replacen(old, new, 1);
    }
    source.rules[0].1 = "[[rule]]\nid = 5\n".into();
    let problems = load(&source).unwrap_err();
    let mut files: Vec<&str> = problems.iter().map(|p| p.file.rsplit('/').next().unwrap()).collect();
    files.dedup();
    assert_eq!(files, ["hazards.toml", "demo.toml", "dust-explosion.toml", "parties.toml", "roster.toml"]);
}
