//! A journalled frame as one line of the duty log.

use response::{Provenance, flow_of};
use serde_json::Value as Json;

use crate::work::{CauseView, WorkFrame};
use crate::work_body::TimelineRow;

impl TimelineRow {
    /// The line of a frame; none if it is no frame of ours.
    pub fn of(frame: &str, at: i64) -> Option<Self> {
        let json: Json = serde_json::from_str(frame).ok()?;
        let seq = json["seq"].as_u64()?;
        match json["type"].as_str()? {
            "alarm" => Some(alarm(&json, seq, at)),
            "order" | "work" => serde_json::from_value(json).ok().map(|f| work(&f, at)),
            "notice" => Some(notice(&json, seq, at)),
            "exercise" => {
                let played = Self::of(&json["frame"].to_string(), at)?;
                Some(Self { seq, provenance: Provenance::Exercise, ..played })
            }
            _ => None,
        }
    }
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_default()
}

fn with_note(line: String, note: &str, colon: &str) -> String {
    if note.is_empty() { line } else { format!("{line}{colon}{note}") }
}

fn alarm(json: &Json, seq: u64, at: i64) -> TimelineRow {
    let (cause, note) = (text(json, "cause"), text(json, "note"));
    // An escalation notes the role that is told now.
    let (note_zh, note_en) = if cause == "escalated" { role_words(note) } else { (note, note) };
    let zh = format!("{} {}", text(json, "message_zh"), cause_zh(cause));
    let en = format!("{} {}", text(json, "message_en"), cause.replace('_', " "));
    TimelineRow {
        seq,
        at,
        kind: "alarm".into(),
        r#ref: text(json, "alarm_id").into(),
        text_zh: with_note(zh, note_zh, "："),
        text_en: with_note(en, note_en, ": "),
        actor: text(&json["actor"], "name").into(),
        provenance: Provenance::Real,
    }
}

fn role_words(role: &str) -> (&str, &str) {
    match role {
        "duty_officer" => ("值班员", "duty officer"),
        "shift_lead" => ("值班长", "shift lead"),
        "commander" => ("指挥长", "commander"),
        "administrator" => ("管理员", "administrator"),
        other => (other, other),
    }
}

fn cause_zh(cause: &str) -> &str {
    match cause {
        "raised" => "报警",
        "bridged" => "报警（断线期间）",
        "recovered" => "恢复",
        "level_changed" => "级别变化",
        "acknowledged" => "确认",
        "unacknowledged" => "撤回确认",
        "shelved" => "搁置",
        "unshelved" => "取消搁置",
        "shelve_requested" => "申请搁置",
        "shelve_expired" => "搁置到期",
        "suppressed" => "设计抑制",
        "unsuppressed" => "解除抑制",
        "out_of_service" => "停用",
        "returned_to_service" => "恢复使用",
        "reset" => "复位",
        "commented" => "备注",
        "escalated" => "升级",
        "rule_edited" => "规则变更",
        "retired" => "规则停用",
        "chatter_started" => "开始抖动",
        "chatter_ended" => "抖动结束",
        "data_lost" => "数据中断",
        "data_returned" => "数据恢复",
        "retrospective_excursion" => "事后发现越限",
        "branch_overflow" => "旧次过多",
        other => other,
    }
}

fn work(frame: &WorkFrame, at: i64) -> TimelineRow {
    let (item, flow) = (&frame.item, flow_of(frame.item.kind));
    let (zh, en) = change_words(frame);
    let receiver = item.receiver.as_ref();
    let (to_zh, to_en) =
        receiver.map_or_else(Default::default, |r| (format!("（{}）", r.name_zh), format!(" ({})", r.name_en)));
    let line_zh = format!("{} {}{to_zh} {zh}", flow.zh, item.title);
    let line_en = format!("{} {}{to_en}: {en}", flow.en, item.title);
    let system = frame.actor.account == "system";
    TimelineRow {
        seq: frame.seq,
        at,
        kind: item.kind.name().into(),
        r#ref: item.id.clone(),
        text_zh: with_note(line_zh, &frame.note, "："),
        text_en: with_note(line_en, &frame.note, ": "),
        actor: if system { String::new() } else { frame.actor.name.clone() },
        provenance: item.provenance,
    }
}

/// What the table calls a change; creation is called by the state it leads to, a stamp that an event set by its own name.
fn change_words(frame: &WorkFrame) -> (String, String) {
    let (flow, action) = (flow_of(frame.item.kind), frame.action.as_str());
    let made = flow.state(&frame.item.state).filter(|_| action == "create").map(|s| (s.zh, s.en));
    let (zh, en) = made.or_else(|| flow.words(action)).unwrap_or((action, action));
    let step = frame.step();
    let stamp = step.and_then(|e| e.fields.get("stamp")).and_then(Json::as_str).and_then(response::stamps::words);
    match (stamp, &frame.cause) {
        (Some((zh, en)), CauseView::Consequence { .. }) => (format!("时刻：{zh}"), format!("stamp: {en}")),
        (Some((stamp_zh, stamp_en)), _) => (format!("{zh}：{stamp_zh}"), format!("{en}: {stamp_en}")),
        (None, _) => (zh.to_owned(), en.to_owned()),
    }
}

fn notice(json: &Json, seq: u64, at: i64) -> TimelineRow {
    let notice = &json["notice"];
    let kind = text(notice, "kind");
    let about = ["enterprise", "tag", "gateway", "scope", "condition", "desk"].map(|k| text(notice, k));
    let about = about.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ");
    let up = notice["up"].as_bool();
    let zh = match (kind, up) {
        ("link", Some(true)) => "链路恢复",
        ("link", _) => "链路中断",
        ("restarted", _) => "系统重启",
        ("rules_activated", _) => "规则生效",
        ("work_settings", _) => "工作系统配置生效",
        ("service", _) => "测点停用或恢复",
        ("exercise", _) if notice["on"].as_bool() == Some(true) => "演练开始",
        ("exercise", _) => "演练结束",
        ("flood", _) => "报警泛滥",
        ("backfill", _) => "补传完成",
        ("sequence_gap", _) => "序号缺失",
        ("sequence_conflict", _) => "序号冲突",
        ("clock_step", _) => "时钟跳变",
        ("retrospective_excursion", _) => "事后发现越限",
        ("shelve_expired", _) => "搁置到期",
        _ => kind,
    };
    let state = up.map_or("", |up| if up { " up" } else { " down" });
    TimelineRow {
        seq,
        at,
        kind: "notice".into(),
        r#ref: String::new(),
        text_zh: format!("{zh} {about}").trim_end().to_owned(),
        text_en: format!("{}{state} {about}", kind.replace('_', " ")).trim_end().to_owned(),
        actor: String::new(),
        provenance: Provenance::Real,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_frames() {
        let check = |frame: &str, zh: &str, en: &str| {
            let row = TimelineRow::of(frame, 9).unwrap();
            assert_eq!((row.text_zh.as_str(), row.text_en.as_str(), row.at), (zh, en, 9));
        };
        check(
            r#"{"type":"alarm","seq":3,"alarm_id":"A-000001","message_zh":"氨","message_en":"NH3","cause":"acknowledged","note":"去看","actor":{"account":"d","name":"值班"}}"#,
            "氨 确认：去看",
            "NH3 acknowledged: 去看",
        );
        check(
            r#"{"type":"alarm","seq":3,"alarm_id":"A-000001","message_zh":"氨","message_en":"NH3","cause":"escalated","note":"shift_lead"}"#,
            "氨 升级：值班长",
            "NH3 escalated: shift lead",
        );
        check(
            r#"{"type":"notice","seq":4,"notice":{"kind":"link","scope":"chem-01/gw-1","up":false}}"#,
            "链路中断 chem-01/gw-1",
            "link down chem-01/gw-1",
        );
        let played =
            r#"{"type":"exercise","seq":5,"frame":{"type":"alarm","seq":1,"message_zh":"氨","cause":"raised"}}"#;
        let row = TimelineRow::of(played, 9).unwrap();
        assert_eq!((row.seq, row.provenance, row.text_zh.as_str()), (5, Provenance::Exercise, "氨 报警"));
        assert_eq!(TimelineRow::of("{}", 0), None);
        assert_eq!(TimelineRow::of("no JSON", 0), None);
    }

    /// A frame of an incident after one change, with the fields of its step.
    fn changed(action: &str, state: &str, fields: &str) -> String {
        let by = r#"{"account":"system","name":""}"#;
        let step = format!(
            r#"{{"seq":7,"at":1,"action":"{action}","from":"","to":"{state}","by":{by},"note":"","fields":{fields},"attachments":[]}}"#
        );
        let item = format!(
            r#"{{"id":"X-000001","kind":"incident","seq":7,"state":"{state}","ended":false,"title":"T","provenance":"real","fields":{{}},"links":[],"deadlines":[],"receiver":null,"owner":null,"created_at":1,"created_by":{by},"ended_at":null,"log":[{step}],"actions":[]}}"#
        );
        format!(
            r#"{{"type":"work","seq":7,"item":{item},"from":null,"action":"{action}","actor":{by},"note":"","cause":{{"kind":"consequence","of":"O-000001"}},"detected_at":1}}"#
        )
    }

    #[test]
    fn changes_of_items_have_words() {
        let check = |action: &str, fields: &str, zh: &str, en: &str| {
            let row = TimelineRow::of(&changed(action, "reported", fields), 9).unwrap();
            assert_eq!((row.text_zh.as_str(), row.text_en.as_str()), (zh, en));
        };
        check("task_done", "{}", "事故 T 任务完成", "incident T: task done");
        check("stamp", r#"{"stamp":"first_order"}"#, "事故 T 时刻：首令", "incident T: stamp: first order");
        check("unanswered", "{}", "事故 T 无人可改派", "incident T: nobody left to reassign to");
        check("pin", "{}", "事故 T 记入时间线", "incident T: pin");
    }

    #[test]
    fn every_word_of_the_tables_is_told_as_words() {
        for flow in &response::FLOWS {
            for action in flow.actions.iter().map(|a| a.name).chain(response::TOLD.iter().map(|t| t.0)) {
                let (zh, en) = flow.words(action).unwrap();
                assert!(!zh.is_ascii() && en.is_ascii() && !en.contains('_'), "{:?}.{action}: {zh} / {en}", flow.kind);
            }
            let states = flow.states.iter().map(|s| (s.name, s.zh, s.en));
            for (name, zh, en) in states.chain([("", flow.zh, flow.en)]) {
                assert!(!zh.is_ascii() && !en.contains('_'), "{:?}.{name}: {zh} / {en}", flow.kind);
            }
        }
    }
}
