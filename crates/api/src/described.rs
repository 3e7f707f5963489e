//! Errors of the work systems' routes in the OpenAPI document: which codes a status may carry, in the words of the table.

use protocol::code as problem_code;
use serde_json::{Map, Value, json};

/// Routes of the work systems and of those who use them; the others describe themselves.
const ROUTES: [&str; 12] = [
    "accounts",
    "attachments",
    "field-links",
    "flows",
    "handover",
    "orders",
    "parties",
    "people",
    "plans",
    "profile",
    "timeline",
    "tokens",
];
const COMMAND: [&str; 2] = ["work", "orders"];

/// Adds the errors that every such route may answer, and says of each error which codes it carries.
pub(crate) fn errors(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, operations) in paths {
        let Some(family) = family(path) else { continue };
        let Some(operations) = operations.as_object_mut() else { continue };
        for (method, operation) in operations {
            if method == "post" && COMMAND.contains(&family) {
                repeatable(operation);
            }
            let Some(responses) = operation["responses"].as_object_mut() else { continue };
            describe(responses, family, method);
        }
    }
}

/// `work` of `/api/v1/work/{id}`; none if the route is not one of ours.
fn family(path: &str) -> Option<&str> {
    let family = path.strip_prefix("/api/v1/")?.split('/').next()?;
    (family == "work" || ROUTES.contains(&family)).then_some(family)
}

fn describe(responses: &mut Map<String, Value>, family: &str, method: &str) {
    for status in [400, 401, 403, 503].into_iter().filter(|s| !codes(*s, family, method).is_empty()) {
        let body = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        responses.entry(status.to_string()).or_insert_with(|| json!({ "content": body }));
    }
    for (status, response) in responses {
        let Ok(status) = status.parse::<u16>() else { continue };
        let lines = codes(status, family, method).iter().map(|code| format!("`{code}`: {}", problem_code(code).en));
        let text = lines.collect::<Vec<_>>().join("; ");
        if !text.is_empty() {
            response["description"] = text.into();
        }
    }
}

/// Codes that a status of a route may carry.
fn codes(status: u16, family: &str, method: &str) -> &'static [&'static str] {
    let (writes, body) = (method != "get", method == "post" && family != "attachments");
    let command = body && COMMAND.contains(&family);
    match (status, family) {
        (400, _) if body => &["BODY_INVALID"],
        (401, _) => &["LOGIN_REQUIRED"],
        (403, _) if writes => &["FORBIDDEN", "ORIGIN_DENIED"],
        (403, _) => &["FORBIDDEN"],
        (404, _) => &["NOT_FOUND"],
        (409, "accounts") => &["LAST_ADMINISTRATOR"],
        (409, _) if command => &["VERSION_CONFLICT", "WORK_STATE", "SECOND_PERSON", "ITEMS_OPEN"],
        (413, "attachments") => &["ATTACHMENT_TOO_LARGE"],
        (415, "attachments") => &["ATTACHMENT_TYPE"],
        (422, "attachments") => &["ATTACHMENT_NAME"],
        (422, _) if command => &["FIELD_REQUIRED", "FIELD_INVALID", "OUTSIDE_COMMAND_CHAIN"],
        (422, _) if body => &["FIELD_REQUIRED", "FIELD_INVALID"],
        (422, _) => &["FIELD_INVALID"],
        (503, _) if writes => &["JOURNAL_FAILED", "STOPPING"],
        _ => &[],
    }
}

/// A command may be sent again under its key without being done twice.
fn repeatable(operation: &mut Value) {
    let key = json!({
        "name": "idempotency-key", "in": "header", "required": false, "schema": { "type": "string", "maxLength": 128 },
        "description": "The same key, account and command again: answers what the first did, with `repeated` true."
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(key),
        None => operation["parameters"] = json!([key]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_work_systems_says_which_codes_it_carries() {
        let document = crate::document();
        let mut seen = 0;
        for (path, operations) in document["paths"].as_object().unwrap() {
            let Some(family) = family(path) else { continue };
            for (method, operation) in operations.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let number: u16 = status.parse().unwrap();
                    let text = response["description"].as_str().unwrap_or_default();
                    assert!(number < 400 || text.contains('`'), "{method} {path} {status}: {text:?}");
                    seen += usize::from(number >= 400);
                    for code in codes(number, family, method) {
                        assert_eq!(problem_code(code).status, number, "{code}");
                    }
                }
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let text = parameter["description"].as_str().unwrap_or_default();
                    assert!(!text.is_empty(), "{method} {path}: {} has no description", parameter["name"]);
                }
            }
        }
        assert!(seen >= 60, "{seen} errors");
    }
}
