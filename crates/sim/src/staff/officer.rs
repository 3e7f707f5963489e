//! The simulated duty officer: sends units to a danger, opens hidden dangers, calls the roll, closes what is done.
//! Pure: it is told what happened and answers what is to be done when.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Seconds from an alarm to the first order: time for a visitor to see the alarm first.
const DISPATCH_AFTER_S: f64 = 6.0;
/// One dispatch for each enterprise and turn of the script.
const DISPATCH_EVERY_S: f64 = 400.0;
/// Seconds from a sensor fault to the item in the ledger.
const LEDGER_AFTER_S: f64 = 12.0;
/// First roll-call, and between roll-calls.
const ROLL_CALL_S: (f64, f64) = (75.0, 900.0);
/// Hidden dangers opened in one run at most.
const LEDGER_MAX: usize = 12;

/// Who is sent to which enterprise, and what for.
const DISPATCH: &[(&str, &[(&str, &str)])] = &[
    (
        "chem-01",
        &[
            ("brigade-1", "1 号液氨球罐氨泄漏：出动防化和供水车，上风 150 米外集结，设水幕，报风向和被困人数"),
            ("hazmat", "1 号液氨球罐氨泄漏：全封闭防化服侦检，关阀堵漏，先报泄漏部位和浓度"),
            ("town-east", "通知下风 500 米内单位和居民关窗、横风离开，先学校和养老院，报通知数"),
            ("metal-01-control", "下风向可能受影响：停产撤人到上风集合点，报人数；支援移动水炮一门"),
        ],
    ),
    (
        "metal-01",
        &[
            ("brigade-2", "抛光车间除尘停机、粉尘浓度高：携 D 类灭火剂和干沙到场，禁水，距厂房 50 米外停车"),
            ("metal-01-control", "立即停止抛光作业、断电撤人，不清扫不吹扫，报在岗人数和粉尘种类"),
        ],
    ),
    (
        "mall-01",
        &[
            ("mall-01-control", "后厨燃气报警：关总阀、断电、疏散该层，开排风前先测浓度，报疏散人数"),
            ("brigade-2", "万和广场后厨燃气泄漏：出动，检测浓度，划警戒区，禁火"),
        ],
    ),
];

/// Who of the hall makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The simulated duty officer.
    Officer,
    /// The simulated leader.
    Leader,
    /// Somebody who stands in the roster, by account.
    Crew(String),
}

/// A request to be made at a time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Errand {
    pub at_s: f64,
    pub by: By,
    pub path: String,
    pub body: Value,
}

/// What the officer remembers.
#[derive(Debug)]
pub(crate) struct Officer {
    /// His own account, and the leader's: the orders of a plan are his to verify and close.
    accounts: [String; 2],
    simulated: BTreeSet<String>,
    dispatched: BTreeMap<String, f64>,
    /// Alarms that have an order already.
    answered: BTreeSet<String>,
    /// Own orders that are not ended, and those that took their place.
    own: BTreeSet<String>,
    ledger: BTreeSet<String>,
    next_roll_call_s: f64,
}

impl Officer {
    /// An officer who acts under the first account, looks after what both made, and sends only `simulated` parties.
    pub fn new(accounts: [&str; 2], simulated: impl Iterator<Item = String>) -> Self {
        Self {
            accounts: accounts.map(str::to_owned),
            simulated: simulated.collect(),
            dispatched: BTreeMap::new(),
            answered: BTreeSet::new(),
            own: BTreeSet::new(),
            ledger: BTreeSet::new(),
            next_roll_call_s: ROLL_CALL_S.0,
        }
    }

    /// An alarm changed.
    pub fn alarm(&mut self, now_s: f64, alarm: &Value) -> Vec<Errand> {
        let text = |key: &str| alarm[key].as_str().unwrap_or_default();
        if text("state") != "unacknowledged" {
            return Vec::new();
        }
        let (enterprise, id) = (text("enterprise"), text("alarm_id"));
        match alarm["priority"].as_u64() {
            Some(1) => self.dispatch(now_s, enterprise, id),
            Some(5) if text("level") == "stuck" => self.report(now_s, (enterprise, text("tag")), id),
            _ => Vec::new(),
        }
    }

    fn dispatch(&mut self, now_s: f64, enterprise: &str, alarm: &str) -> Vec<Errand> {
        let Some((_, orders)) = DISPATCH.iter().find(|(e, _)| *e == enterprise) else { return Vec::new() };
        let lately = self.dispatched.get(enterprise).is_some_and(|at| now_s < at + DISPATCH_EVERY_S);
        if lately || self.answered.contains(alarm) {
            return Vec::new();
        }
        self.dispatched.insert(enterprise.to_owned(), now_s);
        let orders = orders.iter().filter(|(receiver, _)| self.simulated.contains(*receiver));
        let errand = |(i, (receiver, content)): (usize, &(&str, &str))| Errand {
            at_s: now_s + DISPATCH_AFTER_S + i as f64,
            by: By::Officer,
            path: "/api/v1/work".into(),
            body: json!({
                "kind": "order",
                "fields": {"content": content, "priority": "I"},
                "links": [{"rel": "alarm", "to": alarm}],
                "receivers": [receiver],
            }),
        };
        orders.enumerate().map(errand).collect()
    }

    /// A sensor that does not move is a hidden danger: the next real danger would not be seen.
    fn report(&mut self, now_s: f64, (enterprise, tag): (&str, &str), alarm: &str) -> Vec<Errand> {
        let key = format!("{enterprise}/{tag}");
        if self.ledger.len() >= LEDGER_MAX || !self.ledger.insert(key.clone()) {
            return Vec::new();
        }
        let fields = json!({
            "title": format!("测点 {tag} 数值停滞，疑似传感器失效，需现场检定"),
            "source": "alarm",
            "enterprise": enterprise,
            "place": tag,
            "category": "scene",
            "finder": "值班员（模拟）",
        });
        let links = json!([{"rel": "alarm", "to": alarm}, {"rel": "tag", "to": key}]);
        let body = json!({"kind": "hidden_danger", "fields": fields, "links": links, "receivers": []});
        vec![Errand { at_s: now_s + LEDGER_AFTER_S, by: By::Officer, path: "/api/v1/work".into(), body }]
    }

    /// Whether the officer made the item, or it took the place of an order that he made.
    fn is_own(&mut self, item: &Value) -> bool {
        let id = item["id"].as_str().unwrap_or_default();
        let links = |rel: &'static str| {
            let all = item["links"].as_array().into_iter().flatten();
            all.filter(move |l| l["rel"] == rel).filter_map(|l| l["to"].as_str())
        };
        let made = self.accounts.iter().any(|account| item["created_by"]["account"] == **account);
        let own = made || self.own.contains(id) || links("order").any(|order| self.own.contains(order));
        if own {
            self.own.insert(id.to_owned());
            self.answered.extend(links("alarm").map(str::to_owned));
            if item["kind"] == "hidden_danger" {
                self.ledger.extend(links("tag").map(str::to_owned));
            }
        }
        if item["ended"] == true && item["state"] != "reassigned" {
            self.own.remove(id);
        }
        own
    }

    /// An item of this officer changed, or was found: the next step of the hall, if it is the hall's turn.
    pub fn item(&mut self, now_s: f64, item: &Value) -> Vec<Errand> {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        if !self.is_own(item) {
            return Vec::new();
        }
        let step = match (text("kind"), text("state")) {
            ("order", "done") => (15.0, "verify", json!({}), "照片与现场反馈相符"),
            ("order", "verified") => (10.0, "close", json!({}), ""),
            ("order", "rejected") => (120.0, "close", json!({}), "已由其他力量处置"),
            ("hidden_danger", "reported") => (15.0, "verify", json!({}), "调阅趋势，数值确已停滞"),
            ("hidden_danger", "verified") => {
                (10.0, "grade", json!({"grade": "general", "grade_ground": "单点失效，相邻测点仍可监视"}), "")
            }
            ("hidden_danger", "graded") => (10.0, "assign", json!({"responsible": "仪表主管"}), ""),
            ("roll_call", "finished") => (20.0, "circulate", json!({}), "未应答单位已通报，责令说明"),
            ("roll_call", "circulated") => (60.0, "close", json!({}), ""),
            _ => return Vec::new(),
        };
        let (after_s, action, fields, note) = step;
        let body = json!({"seq": item["seq"], "fields": fields, "note": note, "attachments": []});
        let path = format!("/api/v1/work/{}/{action}", text("id"));
        vec![Errand { at_s: now_s + after_s, by: By::Officer, path, body }]
    }

    /// Time passed: a roll-call is due now and then.
    pub fn tick(&mut self, now_s: f64, targets: &[String]) -> Option<Errand> {
        if now_s < self.next_roll_call_s || targets.is_empty() {
            return None;
        }
        self.next_roll_call_s = now_s + ROLL_CALL_S.1;
        let fields = json!({"title": "例行查岗", "mode": "all", "channel": "app", "targets": targets});
        let body = json!({"kind": "roll_call", "fields": fields, "links": [], "receivers": []});
        Some(Errand { at_s: now_s, by: By::Officer, path: "/api/v1/work".into(), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn officer() -> Officer {
        let simulated = ["brigade-1", "hazmat", "town-east", "metal-01-control"];
        Officer::new(["sim-duty", "sim-leader"], simulated.iter().map(|s| (*s).to_owned()))
    }

    fn alarm(enterprise: &str, priority: u8, level: &str, state: &str) -> Value {
        json!({"alarm_id": "A-000007", "enterprise": enterprise, "tag": "t", "priority": priority, "level": level, "state": state})
    }

    #[test]
    fn a_red_alarm_sends_each_unit_once_in_a_turn() {
        let mut officer = officer();
        let errands = officer.alarm(10.0, &alarm("chem-01", 1, "rule", "unacknowledged"));
        assert_eq!(errands.len(), 4);
        assert!(errands.iter().all(|e| e.at_s >= 16.0 && e.path == "/api/v1/work"));
        assert_eq!(errands[0].body["receivers"], json!(["brigade-1"]));
        assert_eq!(errands[0].body["links"], json!([{"rel": "alarm", "to": "A-000007"}]));
        assert!(officer.alarm(11.0, &alarm("chem-01", 1, "hh", "unacknowledged")).is_empty());
        assert_eq!(officer.alarm(430.0, &alarm("chem-01", 1, "rule", "unacknowledged")).len(), 4);
    }

    #[test]
    fn units_that_nobody_plays_are_not_sent() {
        assert!(officer().alarm(1.0, &alarm("mall-01", 1, "hh", "unacknowledged")).is_empty());
        assert!(officer().alarm(1.0, &alarm("chem-01", 2, "h", "unacknowledged")).is_empty());
        assert!(officer().alarm(1.0, &alarm("chem-01", 1, "hh", "acknowledged")).is_empty());
    }

    #[test]
    fn a_stuck_sensor_enters_the_ledger_once() {
        let mut officer = officer();
        let stuck = alarm("chem-01", 5, "stuck", "unacknowledged");
        assert_eq!(officer.alarm(1.0, &stuck)[0].body["kind"], "hidden_danger");
        assert!(officer.alarm(2.0, &stuck).is_empty());
        assert!(officer.alarm(2.0, &alarm("chem-01", 5, "stale", "unacknowledged")).is_empty());
    }

    #[test]
    fn the_officer_takes_only_his_own_items_further() {
        let item = |account: &str, kind: &str, state: &str| json!({"id": "O-000001", "kind": kind, "state": state, "seq": 9, "created_by": {"account": account}});
        let errands = officer().item(5.0, &item("sim-duty", "order", "done"));
        assert_eq!((errands[0].at_s, errands[0].path.as_str()), (20.0, "/api/v1/work/O-000001/verify"));
        assert_eq!(errands[0].body["seq"], 9);
        assert_eq!(officer().item(5.0, &item("sim-leader", "order", "done")).len(), 1, "the plan's orders too");
        assert!(officer().item(5.0, &item("duty", "order", "done")).is_empty());
        assert!(officer().item(5.0, &item("sim-duty", "order", "issued")).is_empty());
        assert!(officer().item(5.0, &item("sim-duty", "hidden_danger", "graded"))[0].path.ends_with("/assign"));
    }

    #[test]
    fn an_order_that_went_on_to_a_substitute_stays_the_officers() {
        let mut officer = officer();
        let item = |id: &str, account: &str, state: &str, links: Value| {
            json!({"id": id, "kind": "order", "state": state, "seq": 3, "ended": state == "reassigned", "links": links,
                "created_by": {"account": account}})
        };
        let alarm_link = json!([{"rel": "alarm", "to": "A-000007"}]);
        officer.item(1.0, &item("O-000001", "sim-duty", "reassigned", alarm_link));
        let onwards = json!([{"rel": "order", "to": "O-000001"}]);
        assert_eq!(officer.item(2.0, &item("O-000002", "system", "done", onwards)).len(), 1);
        let other = json!([{"rel": "order", "to": "O-000009"}]);
        assert!(officer.item(2.0, &item("O-000010", "system", "done", other)).is_empty());
        assert!(officer.alarm(3.0, &alarm("chem-01", 1, "rule", "unacknowledged")).is_empty(), "sent before this run");
    }

    #[test]
    fn the_roll_is_called_now_and_then() {
        let mut officer = officer();
        let targets = ["chem-01".to_owned(), "mall-01".to_owned()];
        assert!(officer.tick(60.0, &targets).is_none());
        assert_eq!(officer.tick(76.0, &targets).unwrap().body["fields"]["targets"], json!(["chem-01", "mall-01"]));
        assert!(officer.tick(600.0, &targets).is_none());
        assert!(officer.tick(980.0, &[]).is_none() && officer.tick(980.0, &targets).is_some());
    }
}
