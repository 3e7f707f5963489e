//! Parties: who can be told to do something, who stands above whom, who steps in, who plays them in the demo.

use std::collections::{BTreeMap, BTreeSet};

use response::{DrillObligation, Name, Party, ProfileValue};

use super::chain::circle;
use super::words::{ACCOUNT, Ids, PARTY, Place, check, one_of, unknown};
use crate::reader::{Reader, Report};
use crate::{Problem, Settings, Site};

const KINDS: &[&str] = &["unit", "team", "person", "enterprise", "town"];
const DRILLS: &[&str] = &["drill.every.enterprise", "drill.every.government"];
const TEMPERS: &[&str] = &["prompt", "slow", "refuses", "silent"];
/// Roles of plan cards that the incident itself fills: its enterprise and that enterprise's town.
pub(super) const INCIDENT_ROLES: [&str; 2] = ["enterprise", "town"];

/// How simulated staff play a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// Acknowledges, goes, reports, finishes.
    Prompt,
    /// The same, but only after the first reminder.
    Slow,
    /// Refuses orders with a reason.
    Refuses,
    /// Never answers, neither orders nor calls.
    Silent,
}

/// The parties file.
pub(crate) struct PartiesText {
    file: String,
    hall: String,
    hall_line: usize,
    roles: Vec<(String, String, usize)>,
    parties: Vec<PartyText>,
    /// No problem of its own: its chain of command can be followed.
    sound: bool,
}

struct PartyText {
    party: Party,
    line: usize,
    temper: Option<Temper>,
    drill: Option<&'static str>,
}

/// Parties held against everything else.
pub(crate) struct Parties {
    pub hall: String,
    pub parties: Vec<Party>,
    /// Party of each role of plan cards.
    pub roles: BTreeMap<String, String>,
    pub drills: Vec<DrillObligation>,
    pub simulated: BTreeMap<String, Temper>,
}

pub(crate) fn read(file: &str, text: &str) -> (PartiesText, Vec<Problem>) {
    let report = Report::new(file, text);
    let root = report.parse();
    let r = Reader::new(root.get_ref(), 0, &report);
    let mut ids = Ids::default();
    let tables = r.tables("party");
    let parties: Vec<PartyText> = tables.iter().map(|t| read_party(t, &mut ids)).collect();
    for (table, party) in tables.iter().zip(&parties) {
        check_references(table, &party.party, &ids);
    }
    let hall = r.text("hall");
    check(&r, ("hall", PARTY, &hall), ids.iter());
    let roles = r.opt_table("roles").map(|t| t.entries()).unwrap_or_default();
    let hall_line = r.line("hall");
    tables.into_iter().for_each(Reader::finish);
    r.finish();
    let mut problems = report.take();
    problems.extend(check_chain(file, &parties));
    let sound = problems.is_empty();
    (PartiesText { file: file.into(), hall, hall_line, roles, parties, sound }, problems)
}

fn read_party(r: &Reader<'_, '_>, ids: &mut Ids) -> PartyText {
    let temper = r.opt_text("simulated").is_some().then(|| one_of(r, "simulated", TEMPERS)).map(|t| match t {
        "slow" => Temper::Slow,
        "refuses" => Temper::Refuses,
        "silent" => Temper::Silent,
        _ => Temper::Prompt,
    });
    let place = (r.opt_number("longitude"), r.opt_number("latitude"));
    let party = Party {
        id: ids.take(r, "id"),
        kind: one_of(r, "kind", KINDS).into(),
        name_zh: r.text("name_zh"),
        name_en: r.text("name_en"),
        superior: r.opt_text("superior"),
        substitutes: r.texts("substitutes"),
        account: r.opt_text("account"),
        telephone: r.opt_text("telephone").unwrap_or_default(),
        town: r.opt_text("town").unwrap_or_default(),
        industry: r.opt_text("industry").unwrap_or_default(),
        position: place.0.zip(place.1).map(|(x, y)| [x, y]),
    };
    let drill = r.opt_text("drill").is_some().then(|| one_of(r, "drill", DRILLS));
    PartyText { party, line: r.line("id"), temper, drill }
}

fn check_references(r: &Reader<'_, '_>, party: &Party, ids: &Ids) {
    if let Some(superior) = &party.superior {
        check(r, ("superior", PARTY, superior), ids.iter());
    }
    if !party.town.is_empty() {
        check(r, ("town", PARTY, &party.town), ids.iter());
    }
    for substitute in &party.substitutes {
        check(r, ("substitutes", PARTY, substitute), ids.iter());
        if *substitute == party.id {
            let en = format!("key `substitutes` names \"{substitute}\" itself, wanted another party");
            r.problem("substitutes", "VALUE_RANGE", en, format!("键 `substitutes` 不能是 \"{substitute}\" 自己"));
        }
    }
}

/// Nobody is above himself.
fn check_chain(file: &str, parties: &[PartyText]) -> Option<Problem> {
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for p in parties {
        edges.entry(&p.party.id).or_default().extend(p.party.superior.as_deref());
    }
    let circle = circle(&edges)?;
    let line = parties.iter().find(|p| p.party.id == circle[0]).map_or(1, |p| p.line);
    let way = circle.join(" → ");
    let text = (format!("key `superior` goes in a circle: {way}"), format!("键 `superior` 成环：{way}"));
    Some(Place { file: file.into(), line }.problem("CYCLE", "superior", text))
}

/// Everything that can be ordered: the file's parties, then teams and enterprises that only the settings or sites know.
pub(crate) fn join(
    text: Option<PartiesText>,
    (settings, sites, profile): (&Settings, &[Site], &BTreeMap<Name, ProfileValue>),
    problems: &mut Vec<Problem>,
) -> Parties {
    let mut all = Parties {
        hall: String::new(),
        parties: Vec::new(),
        roles: BTreeMap::new(),
        drills: Vec::new(),
        simulated: BTreeMap::new(),
    };
    if let Some(text) = text {
        check_accounts(&text, settings, problems);
        check_roles(&text, problems);
        all.hall = text.hall;
        all.roles = text.roles.into_iter().map(|(role, party, _)| (role, party)).collect();
        for p in text.parties {
            all.simulated.extend(p.temper.map(|t| (p.party.id.clone(), t)));
            all.drills.extend(p.drill.and_then(|key| obligation(&p.party.id, profile.get(key)?)));
            all.parties.push(p.party);
        }
    }
    add_known(&mut all, settings, sites);
    all
}

fn obligation(party: &str, every: &ProfileValue) -> Option<DrillObligation> {
    Some(DrillObligation {
        party: party.into(),
        every_d: every.value,
        source: every.source.clone(),
        confidence: every.confidence.clone(),
        article: every.article.clone(),
    })
}

/// A team of `fenghuo.toml` and an enterprise with a site file can be ordered too, directly by the hall.
fn add_known(all: &mut Parties, settings: &Settings, sites: &[Site]) {
    let listed: BTreeSet<String> = all.parties.iter().map(|p| p.id.clone()).collect();
    let superior = (!all.hall.is_empty()).then(|| all.hall.clone());
    let teams = settings.teams.iter().map(|t| Party {
        id: t.id.clone(),
        kind: "team".into(),
        name_zh: t.name_zh.clone(),
        name_en: t.name_en.clone(),
        telephone: t.telephone.clone(),
        ..Party::default()
    });
    let enterprises = sites.iter().map(|s| Party {
        id: s.enterprise.id.clone(),
        kind: "enterprise".into(),
        name_zh: s.enterprise.name_zh.clone(),
        name_en: s.enterprise.name_en.clone(),
        telephone: s.enterprise.contact.clone(),
        industry: s.enterprise.kind.clone(),
        position: s.enterprise.position.map(|(x, y)| [x, y]),
        ..Party::default()
    });
    let new = teams.chain(enterprises).filter(|p| !listed.contains(&p.id));
    all.parties.extend(new.map(|p| Party { superior: superior.clone(), ..p }));
}

fn check_accounts(text: &PartiesText, settings: &Settings, problems: &mut Vec<Problem>) {
    for p in &text.parties {
        let Some(account) = &p.party.account else { continue };
        if !settings.accounts.iter().any(|a| a.account == *account) {
            let names = settings.accounts.iter().map(|a| a.account.as_str());
            let place = Place { file: text.file.clone(), line: p.line };
            problems.push(place.problem("NAME_UNKNOWN", "account", unknown("account", ACCOUNT, account, names)));
        }
    }
}

/// A role leads to a party that the hall may order.
fn check_roles(text: &PartiesText, problems: &mut Vec<Problem>) {
    let names = || text.parties.iter().map(|p| p.party.id.as_str());
    for (role, party, line) in &text.roles {
        let place = Place { file: text.file.clone(), line: *line };
        if INCIDENT_ROLES.contains(&role.as_str()) {
            let en = format!("role \"{role}\" is filled by the incident itself; remove it");
            problems.push(place.problem("VALUE_RANGE", role, (en, format!("角色 \"{role}\" 由事故本身确定，请删除"))));
        } else if !names().any(|n| n == party) {
            problems.push(place.problem("NAME_UNKNOWN", role, unknown(role, PARTY, party, names())));
        } else if text.sound && !under(text, party) {
            let hall = Place { file: text.file.clone(), line: text.hall_line };
            let en = format!(
                "role \"{role}\" is \"{party}\", which is not under \"{}\" (line {}): it could not be ordered",
                text.hall, hall.line
            );
            let zh = format!(
                "角色 \"{role}\" 的 \"{party}\" 不在 \"{}\"（第 {} 行）指挥链内，无法下达指令",
                text.hall, hall.line
            );
            problems.push(place.problem("OUTSIDE_CHAIN", role, (en, zh)));
        }
    }
}

fn under(text: &PartiesText, party: &str) -> bool {
    let mut at = Some(party);
    // A sound file has no circle, so the way up ends.
    while let Some(id) = at {
        if id == text.hall {
            return true;
        }
        at = text.parties.iter().find(|p| p.party.id == id).and_then(|p| p.party.superior.as_deref());
    }
    false
}
