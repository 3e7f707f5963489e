//! The OpenAPI document: made from the routes and the wire types, and the source of the console's types.

use axum::Json;
use utoipa::OpenApi;

use crate::routes as r;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fenghuo",
        description = "Command hall API. Times are microseconds since the epoch, UTC. Errors have the shape of `Problem`. The stream at `/api/v1/stream` sends `Hello`, `AlarmFrame`, `OrderFrame`, `WorkFrame`, `ExerciseFrame`, `NoticeFrame`, `Heartbeat`, `ReadingsFrame`, `SnapshotRequired` and takes `ClientFrame`. The connection at `/api/v1/video?ticket=…` takes `LiveClientFrame`, says `LiveTileFrame`, and sends pictures as binary messages: 24 bytes of head, big-endian (kind: 1 MP4 beginning, 2 MP4 fragment, 3 decoder parameters, 4 frame, 5 JPEG; flags: 1 key frame, 2 cached, 4 after a drop; tile, 2 bytes; number, 4 bytes; server receive time and media time in microseconds, 8 bytes each), then the payload."
    ),
    paths(
        r::login::login,
        r::login::logout,
        r::login::me,
        r::accounts::list,
        r::accounts::people,
        r::accounts::save,
        r::tokens::list,
        r::tokens::make,
        r::tokens::revoke,
        r::tokens::field_link,
        r::attachments::add,
        r::attachments::get,
        r::health::status,
        r::health::presence,
        r::health::healthz,
        r::health::readyz,
        r::health::metrics,
        r::alarms::list,
        r::alarms::detail,
        r::alarms::ack,
        r::alarms::unack,
        r::alarms::shelve,
        r::alarms::unshelve,
        r::alarms::reset,
        r::alarms::comment,
        r::alarms::ack_batch,
        r::orders::list,
        r::orders::issue,
        r::orders::act,
        r::work::list,
        r::work::detail,
        r::work::events,
        r::work::review,
        r::work::aggregate,
        r::work::create,
        r::work::act,
        r::export::item,
        r::export::list,
        r::watch::flows,
        r::watch::parties,
        r::watch::plans,
        r::watch::profile,
        r::watch::timeline,
        r::watch::open,
        r::site::site,
        r::site::reload,
        r::tags::list,
        r::tags::pending,
        r::tags::rejections,
        r::tags::service,
        r::tags::history,
        r::audit::head,
        r::audit::page,
        r::audit::notices,
        r::cameras::list,
        r::cameras::recordings,
        r::cameras::segment,
        r::cameras::video,
        r::cameras::clips,
        r::cameras::export,
        r::cameras::exported,
        r::live::ticket,
        r::live::snapshot
    ),
    components(schemas(
        protocol::Hello,
        protocol::Heartbeat,
        protocol::AlarmFrame,
        protocol::OrderFrame,
        protocol::WorkFrame,
        protocol::ExerciseFrame,
        protocol::PlanCardView,
        protocol::NoticeFrame,
        protocol::ReadingsFrame,
        protocol::SnapshotRequired,
        protocol::ClientFrame,
        protocol::LiveClientFrame,
        protocol::LiveTileFrame,
        protocol::Problem
    ))
)]
struct Document;

/// The document as JSON.
pub fn document() -> serde_json::Value {
    let mut value = serde_json::to_value(Document::openapi()).unwrap_or_default();
    value["info"]["version"] = protocol::VERSION.into();
    crate::described::errors(&mut value);
    value
}

/// `GET /api/v1/openapi.json`.
pub async fn serve() -> Json<serde_json::Value> {
    Json(document())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The console's types are made from this file; `UPDATE_GOLDEN=1 cargo test -p api openapi` writes it anew.
    #[test]
    fn the_console_has_the_newest_document() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboards/console/openapi.json");
        let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        assert!(kept == text, "dashboards/console/openapi.json is stale: UPDATE_GOLDEN=1 cargo test -p api openapi");
    }

    #[test]
    fn every_answer_that_can_be_refused_says_so() {
        let paths = document()["paths"].as_object().cloned().unwrap_or_default();
        assert!(paths.len() >= 25, "{} paths", paths.len());
    }
    /// The timeline and an item's log show no raw word: the console has one for every kind and every change of no table.
    #[test]
    fn the_console_has_words_for_what_no_table_names() {
        for language in ["zh", "en"] {
            let read = |part: &str| {
                let top = env!("CARGO_MANIFEST_DIR");
                std::fs::read_to_string(format!("{top}/../../dashboards/console/src/i18n/{language}-{part}.ts"))
                    .unwrap()
            };
            let words = read("duty") + &read("work");
            let kinds = response::Kind::ALL.iter().map(|k| format!("'timeline.kind.{}'", k.name()));
            for key in kinds.chain(response::TOLD.iter().map(|t| format!("'step.{}'", t.0))) {
                assert!(words.contains(&key), "{language}: {key} has no words");
            }
        }
    }
}
