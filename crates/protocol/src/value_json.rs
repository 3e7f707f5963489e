//! Field values as JSON, by the type their flow gives them, and back. What does not fit is said naming the field.

use model::Time;
use response::{FieldKind, Fields, Flow, Value};
use serde_json::{Map, Value as Json};

use crate::Problem;

/// Nesting of lists and records; the kernel allows less.
const DEPTH_MAX: usize = 8;

/// Values as JSON, by name.
pub fn fields_json(fields: &Fields) -> Map<String, Json> {
    fields.iter().map(|(name, value)| (name.to_string(), value_json(value))).collect()
}

/// One value as JSON; a time is microseconds since the epoch.
pub fn value_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Number(number) => whole(*number).unwrap_or_else(|| (*number).into()),
        Value::Flag(flag) => (*flag).into(),
        Value::Time(time) => time.0.into(),
        Value::List(list) => list.iter().map(value_json).collect(),
        Value::Record(parts) => {
            parts.iter().map(|(name, v)| (name.to_string(), value_json(v))).collect::<Map<_, _>>().into()
        }
    }
}

/// 3 people, not 3.0.
fn whole(number: f64) -> Option<Json> {
    (number.fract() == 0.0 && number.abs() < 9e15).then(|| (number as i64).into())
}

/// Fields of a flow from JSON; `null` means not given.
///
/// # Errors
/// `FIELD_INVALID` naming the first field that does not fit.
pub fn read_fields(flow: &Flow, given: &Map<String, Json>) -> Result<Fields, Problem> {
    let mut fields = Fields::new();
    for (name, json) in given.iter().filter(|(_, json)| !json.is_null()) {
        let Some(spec) = flow.field(name) else {
            let known: Vec<&str> = flow.fields.iter().map(|f| f.name).collect();
            return Err(invalid(
                name,
                &format!("没有这个字段；可用：{}", known.join("、")),
                "is no field of this flow",
            ));
        };
        let value = read_value(spec.kind, json).ok_or_else(|| {
            let (zh, en) = wanted(spec.kind);
            invalid(name, &format!("{}应为{zh}", spec.zh), &format!("{} must be {en}", spec.en))
        })?;
        fields.insert(spec.name.into(), value);
    }
    Ok(fields)
}

fn invalid(field: &str, zh: &str, en: &str) -> Problem {
    Problem::new("FIELD_INVALID", field).detail(zh, en)
}

fn read_value(kind: FieldKind, json: &Json) -> Option<Value> {
    match kind {
        FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Choice(_)
        | FieldKind::Party
        | FieldKind::Account
        | FieldKind::Person => json.as_str().map(Value::from),
        FieldKind::Number { .. } => json.as_f64().filter(|n| n.is_finite()).map(Value::Number),
        FieldKind::Flag => json.as_bool().map(Value::Flag),
        FieldKind::Time => read_time(json).map(Value::Time),
        FieldKind::List => json.as_array().and_then(|_| nested(json, 0)),
        FieldKind::Record => json.as_object().and_then(|_| nested(json, 0)),
    }
}

/// Microseconds since the epoch, or RFC 3339 with a zone.
fn read_time(json: &Json) -> Option<Time> {
    match json {
        Json::Number(n) => n.as_i64().map(Time),
        Json::String(text) => model::parse_rfc3339(text.as_bytes()).ok().map(Time),
        _ => None,
    }
}

/// Inside lists and records the JSON says the type.
fn nested(json: &Json, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    Some(match json {
        Json::Null => return None,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(n) => Value::Number(n.as_f64().filter(|n| n.is_finite())?),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(list) => Value::List(list.iter().map(|v| nested(v, depth + 1)).collect::<Option<_>>()?),
        Json::Object(parts) => {
            let part = |(name, v): (&String, &Json)| Some((name.as_str().into(), nested(v, depth + 1)?));
            Value::Record(parts.iter().filter(|(_, v)| !v.is_null()).map(part).collect::<Option<_>>()?)
        }
    })
}

const fn wanted(kind: FieldKind) -> (&'static str, &'static str) {
    match kind {
        FieldKind::Number { .. } => ("数字", "a finite number"),
        FieldKind::Flag => ("是或否（true/false）", "true or false"),
        FieldKind::Time => ("时间（微秒，或带时区的 RFC 3339）", "a time in µs, or RFC 3339 with a zone"),
        FieldKind::List => ("列表", "a list without null"),
        FieldKind::Record => ("记录", "an object without null"),
        _ => ("文字", "a text"),
    }
}

#[cfg(test)]
mod tests {
    use response::{Kind, flow_of};
    use serde_json::json;

    use super::*;

    fn read(given: Json) -> Result<Fields, Problem> {
        read_fields(flow_of(Kind::Order), given.as_object().unwrap())
    }

    #[track_caller]
    fn refused(given: Json, field: &str) {
        let problem = read(given).unwrap_err();
        assert_eq!((problem.code.as_str(), problem.field.as_str()), ("FIELD_INVALID", field));
    }

    #[test]
    fn each_type_there_and_back() {
        let given = json!({"content": "到场", "ack_within_s": 60, "draft": true, "ack_due": 1_700_000_000_000_000_i64,
            "position": {"lon": 119.97, "lat": 31.7, "note": [1, "二", false]}});
        let fields = read(given.clone()).unwrap();
        assert_eq!(Json::Object(fields_json(&fields)), given);
        let zoned = read(json!({"ack_due": "2023-11-15T06:13:20+08:00"})).unwrap();
        assert_eq!(Json::Object(fields_json(&zoned)), json!({"ack_due": 1_700_000_000_000_000_i64}));
        assert!(read(json!({"place": null})).unwrap().is_empty(), "null is not given");
    }

    #[test]
    fn what_does_not_fit_names_its_field() {
        refused(json!({"colour": "red"}), "colour");
        refused(json!({"content": 5}), "content");
        refused(json!({"ack_within_s": "60"}), "ack_within_s");
        refused(json!({"draft": "yes"}), "draft");
        refused(json!({"ack_due": "tomorrow"}), "ack_due");
        refused(json!({"ack_due": 1.5}), "ack_due");
        refused(json!({"position": [1, 2]}), "position");
        refused(json!({"tried": {"a": 1}}), "tried");
        refused(json!({"tried": [null]}), "tried");
        let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
        refused(json!({"tried": deep}), "tried");
    }
}
