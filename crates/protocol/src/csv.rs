//! Records as CSV that a spreadsheet opens: RFC 4180, a byte order mark so that Excel reads UTF-8, and no cell that it
//! would run as a formula (OWASP, CSV injection).

use model::Time;
use response::{FieldKind, Kind, WorkSettings, flow_of};
use serde_json::Value as Json;

use crate::work::{WorkFrame, WorkItemView};

const BOM: char = '\u{FEFF}';

/// One row of cells.
fn row(out: &mut String, cells: &[String]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&quoted(cell));
    }
    out.push_str("\r\n");
}

/// A cell that is text to every program.
fn quoted(cell: &str) -> String {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let guard = if runs { "'" } else { "" };
    if runs || cell.contains([',', '"', '\n', '\r', ';']) {
        return format!("\"{guard}{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

fn time(us: i64) -> String {
    model::format_rfc3339(Time(us))
}

/// A value for people: times are dates, lists and records are JSON.
fn shown(kind: Option<FieldKind>, value: Option<&Json>) -> String {
    match (kind, value) {
        (_, None | Some(Json::Null)) => String::new(),
        (Some(FieldKind::Time), Some(Json::Number(n))) => n.as_i64().map_or_else(|| n.to_string(), time),
        (Some(FieldKind::Choice(choices)), Some(Json::String(word))) => {
            choices.iter().find(|(value, ..)| value == word).map_or_else(|| word.clone(), |(_, zh, _)| (*zh).to_owned())
        }
        (_, Some(Json::String(text))) => text.clone(),
        (_, Some(other)) => other.to_string(),
    }
}

/// The first row of a file of items, with the byte order mark; with one kind, its fields are columns.
pub fn csv_head_of_items(kind: Option<Kind>) -> String {
    let mut out = String::from(BOM);
    let fields = kind.map_or(&[][..], |kind| flow_of(kind).fields);
    let mut head: Vec<String> = [
        "编号 id",
        "类型 kind",
        "状态 state",
        "标题 title",
        "真实/演练 provenance",
        "接收方 receiver",
        "乡镇 town",
        "行业 industry",
        "责任 owner",
        "创建 created_at",
        "创建人 created_by",
        "结束 ended_at",
        "最近时限 due",
        "超时 overdue",
    ]
    .map(str::to_owned)
    .to_vec();
    head.extend(fields.iter().map(|f| format!("{} {}", f.zh, f.name)));
    row(&mut out, &head);
    out
}

/// Appends items as rows.
pub fn csv_of_items(out: &mut String, kind: Option<Kind>, items: &[WorkItemView], settings: &WorkSettings) {
    let fields = kind.map_or(&[][..], |kind| flow_of(kind).fields);
    for item in items {
        row(out, &cells(item, fields, settings));
    }
}

fn cells(item: &WorkItemView, fields: &[response::FieldSpec], settings: &WorkSettings) -> Vec<String> {
    let flow = flow_of(item.kind);
    let field = |name: &str| item.fields.get(name).and_then(Json::as_str).unwrap_or_default();
    let party =
        item.receiver.clone().or_else(|| settings.party(field("enterprise")).map(Into::into)).unwrap_or_default();
    let first = |own: &str, of_party: &str| if own.is_empty() { of_party.to_owned() } else { own.to_owned() };
    let mut cells = vec![
        item.id.clone(),
        flow.zh.to_owned(),
        flow.state(&item.state).map_or_else(|| item.state.clone(), |s| s.zh.to_owned()),
        item.title.clone(),
        if item.provenance == response::Provenance::Exercise { "演练" } else { "真实" }.to_owned(),
        item.receiver.as_ref().map_or_else(String::new, |r| r.name_zh.clone()),
        first(field("town"), &party.town),
        first(field("industry"), &party.industry),
        item.owner.clone().unwrap_or_default(),
        time(item.created_at),
        item.created_by.name.clone(),
        item.ended_at.map_or_else(String::new, time),
        item.deadlines.iter().map(|d| d.at).min().map_or_else(String::new, time),
        if item.deadlines.iter().any(|d| d.overdue_since.is_some()) { "是" } else { "否" }.to_owned(),
    ];
    cells.extend(fields.iter().map(|f| shown(Some(f.kind), item.fields.get(f.name))));
    cells
}

/// The life of one item: a row for each change.
pub fn csv_of_life(events: &[WorkFrame]) -> String {
    let mut out = String::from(BOM);
    let head = [
        "序号 seq",
        "时间 at",
        "操作 action",
        "原状态 from",
        "状态 to",
        "操作人 by",
        "说明 note",
        "字段 fields",
        "附件 attachments",
    ];
    row(&mut out, &head.map(str::to_owned));
    for event in events {
        let flow = flow_of(event.item.kind);
        let state = |name: &str| flow.state(name).map_or_else(|| name.to_owned(), |s| s.zh.to_owned());
        let entry = event.step();
        let fields = entry.map_or_else(String::new, |e| {
            let shown = |(name, v): (&String, &Json)| {
                let spec = flow.field(name);
                format!("{}={}", spec.map_or(name.as_str(), |s| s.zh), shown(spec.map(|s| s.kind), Some(v)))
            };
            e.fields.iter().map(shown).collect::<Vec<_>>().join("; ")
        });
        let files = entry.map_or_else(String::new, |e| {
            e.attachments.iter().map(|a| format!("{} {}", a.name, a.id)).collect::<Vec<_>>().join("; ")
        });
        row(
            &mut out,
            &[
                event.seq.to_string(),
                time(event.committed_at.unwrap_or(event.detected_at)),
                flow.action(&event.action).map_or_else(|| event.action.clone(), |a| a.zh.to_owned()),
                event.from.as_deref().map_or_else(String::new, state),
                state(&event.item.state),
                event.actor.name.clone(),
                event.note.clone(),
                fields,
                files,
            ],
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_its_row() {
        let check = |cell: &str, expected: &str| assert_eq!(quoted(cell), expected);
        check("阀门", "阀门");
        check("a,b", "\"a,b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"");
        check("+1", "\"'+1\"");
        check("-2", "\"'-2\"");
        check("@SUM(A1)", "\"'@SUM(A1)\"");
        check("\t=1", "\"'\t=1\"");
    }
}
