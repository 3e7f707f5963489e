//! The simulated leader of the watch: activates the plan of an incident that the simulated officer opened, and brings it to
//! its review. Pure: he is told what happened and answers what is to be done when.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::officer::{By, Errand};

/// Seconds from the first red ammonia alarm to the incident: after the first orders, so that they are seen to come first.
const OPEN_AFTER_S: f64 = 12.0;
/// Incidents of one run at most: whoever watches a demo for a day has seen enough of them.
const INCIDENTS_MAX: usize = 4;
/// States in which a response is over: the next leak is another incident.
const OVER: [&str; 6] = ["terminated", "aftermath", "review", "archived", "unfounded", "exercise_over"];

/// What he does while the response runs: seconds after its activation, action, fields, note.
fn response() -> [(f64, &'static str, Value, &'static str); 8] {
    let tick = |line: u32| json!({"check_no": line});
    [
        (6.0, "appoint", json!({"role": "commander", "person": "带班领导（模拟）"}), ""),
        (14.0, "tick", tick(0), ""),
        (22.0, "pin", json!({}), "东南风 2 米每秒，下风向学校和养老院已通知，现场反馈无人被困"),
        (34.0, "tick", tick(1), ""),
        (50.0, "tick", tick(2), ""),
        (70.0, "pin", json!({}), "堵漏组报告：法兰已紧固，浓度下降"),
        (110.0, "control", json!({}), "连续三次侦检低于 25 ppm"),
        (170.0, "terminate", json!({}), "现场洗消完毕，移交单位看护"),
    ]
}

/// What he remembers.
#[derive(Debug)]
pub(crate) struct Leader {
    /// Account of the officer whose incidents he leads.
    officer: String,
    /// Alarms for which an incident was opened, or is about to be.
    opened: BTreeSet<String>,
    /// Own incidents whose response is not over.
    alive: BTreeSet<String>,
    /// Steps that were planned already: item and word.
    planned: BTreeSet<(String, String)>,
}

impl Leader {
    pub fn new(officer: &str) -> Self {
        Self { officer: officer.to_owned(), opened: BTreeSet::new(), alive: BTreeSet::new(), planned: BTreeSet::new() }
    }

    /// An alarm changed: a red one of ammonia is an incident, unless one is being handled.
    pub fn alarm(&mut self, now_s: f64, alarm: &Value) -> Option<Errand> {
        let text = |key: &str| alarm[key].as_str().unwrap_or_default();
        let red = alarm["priority"].as_u64() == Some(1) && text("state") == "unacknowledged";
        if !red || text("enterprise") != "chem-01" || !text("tag").contains("nh3") {
            return None;
        }
        let id = text("alarm_id").to_owned();
        if !self.alive.is_empty() || self.opened.len() >= INCIDENTS_MAX || !self.opened.insert(id.clone()) {
            return None;
        }
        // Until its own frame comes, so that the next alarm of the same leak opens no second one.
        self.alive.insert(String::new());
        let fields = json!({
            "title": "1 号液氨球罐氨泄漏", "hazard": "ammonia_leak", "chemical": "ammonia", "place": "1 号液氨球罐区",
            "reported_by": "监测报警", "dead": 0, "missing": 0, "severely_injured": 0, "at_risk": 12,
        });
        let links = json!([{"rel": "alarm", "to": id}]);
        let body = json!({"kind": "incident", "fields": fields, "links": links, "receivers": []});
        Some(Errand { at_s: now_s + OPEN_AFTER_S, by: By::Officer, path: "/api/v1/work".into(), body })
    }

    /// An incident changed: what follows, each step once.
    pub fn item(&mut self, now_s: f64, item: &Value) -> Vec<Errand> {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        if text("kind") != "incident" || item["created_by"]["account"] != *self.officer {
            return Vec::new();
        }
        let id = text("id").to_owned();
        self.alive.remove("");
        self.opened.extend(alarms(item));
        if OVER.contains(&text("state")) {
            self.alive.remove(&id)
        } else {
            self.alive.insert(id.clone())
        };
        let activation = json!({
            "plan": "ammonia-leak", "level": "III", "matters": "1 号液氨球罐氨泄漏处置", "expected_duration_s": 7_200,
            "measures": "切断泄漏、水幕稀释、划定警戒区、疏散下风向人员",
        });
        let lesson = json!({"lesson": "法兰紧固周期缩短到三个月并纳入巡检单", "assignee": "临江化工设备部"});
        let steps: Vec<(f64, &str, By, Value, &str)> = match text("state") {
            "reported" => vec![(5.0, "verify", By::Officer, json!({}), "与中控室电话核实，确有泄漏")],
            "verified" => vec![(8.0, "activate", By::Leader, activation, "")],
            "active" => response().into_iter().map(|(s, a, f, n)| (s, a, By::Leader, f, n)).collect(),
            "terminated" => vec![(20.0, "aftermath", By::Leader, json!({}), "")],
            "aftermath" => vec![(20.0, "review", By::Leader, json!({}), "")],
            "review" => vec![(15.0, "add_lesson", By::Leader, lesson, "")],
            _ => Vec::new(),
        };
        let mut errands = Vec::new();
        for (number, (after_s, action, by, fields, note)) in steps.into_iter().enumerate() {
            if self.planned.insert((id.clone(), format!("{action} {number}"))) {
                let body = json!({"seq": item["seq"], "fields": fields, "note": note, "attachments": []});
                let path = format!("/api/v1/work/{id}/{action}");
                errands.push(Errand { at_s: now_s + after_s, by, path, body });
            }
        }
        errands
    }
}

fn alarms(item: &Value) -> impl Iterator<Item = String> {
    let links = item["links"].as_array().into_iter().flatten();
    links.filter(|l| l["rel"] == "alarm").filter_map(|l| l["to"].as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(id: &str, tag: &str, priority: u8) -> Value {
        json!({"alarm_id": id, "enterprise": "chem-01", "tag": tag, "priority": priority, "state": "unacknowledged"})
    }

    fn incident(state: &str, account: &str) -> Value {
        json!({"id": "X-000001", "kind": "incident", "state": state, "seq": 7, "created_by": {"account": account},
            "links": [{"rel": "alarm", "to": "A-000001"}]})
    }

    #[test]
    fn the_first_red_ammonia_alarm_is_one_incident() {
        let mut leader = Leader::new("sim-duty");
        assert!(leader.alarm(1.0, &alarm("A-000001", "sphere-1.nh3.01", 2)).is_none());
        assert!(leader.alarm(1.0, &alarm("A-000001", "tank-1.level", 1)).is_none());
        let errand = leader.alarm(2.0, &alarm("A-000001", "sphere-1.nh3.01", 1)).unwrap();
        assert_eq!((errand.at_s, errand.body["kind"].as_str(), errand.by), (14.0, Some("incident"), By::Officer));
        assert!(leader.alarm(3.0, &alarm("A-000002", "sphere-1.nh3.02", 1)).is_none(), "the same leak");
        leader.item(4.0, &incident("active", "sim-duty"));
        assert!(leader.alarm(5.0, &alarm("A-000003", "sphere-1.nh3.03", 1)).is_none(), "it is being handled");
        leader.item(6.0, &incident("terminated", "sim-duty"));
        assert!(leader.alarm(7.0, &alarm("A-000001", "sphere-1.nh3.01", 1)).is_none(), "an alarm is one incident");
        assert!(leader.alarm(8.0, &alarm("A-000009", "sphere-1.nh3.01", 1)).is_some(), "the next leak");
    }

    #[test]
    fn each_step_of_a_response_is_planned_once() {
        let mut leader = Leader::new("sim-duty");
        assert!(leader.item(0.0, &incident("reported", "duty")).is_empty(), "another person's incident");
        let first = leader.item(0.0, &incident("reported", "sim-duty"));
        assert_eq!((first.len(), first[0].path.as_str()), (1, "/api/v1/work/X-000001/verify"));
        let activate = leader.item(5.0, &incident("verified", "sim-duty")).remove(0);
        assert_eq!((activate.by, activate.body["fields"]["level"].as_str()), (By::Leader, Some("III")));
        let steps = leader.item(10.0, &incident("active", "sim-duty"));
        assert_eq!(steps.len(), 8);
        assert!(steps.is_sorted_by(|a, b| a.at_s < b.at_s));
        assert!(leader.item(11.0, &incident("active", "sim-duty")).is_empty(), "a frame more is no step more");
    }
}
