//! The ledger's row of an item: the columns that people filter and count by. The item itself is the event of its last
//! change.

use model::Time;
use response::{Cause, ItemId, Kind, Provenance, WorkEvent, WorkSettings};
use serde::{Deserialize, Serialize};

use crate::{Database, Param, SqlError};

/// The number of a kind in `events.kind`; none is ever given twice.
pub(crate) const fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Order => 2,
        Kind::Shift => 4,
        Kind::Swap => 5,
        Kind::Handover => 6,
        Kind::RollCall => 7,
        Kind::Call => 8,
        Kind::HiddenDanger => 9,
        Kind::Incident => 10,
        Kind::Lesson => 11,
        Kind::Drill => 12,
        Kind::Note => 13,
        Kind::Vigilance => 14,
    }
}

/// What is stored of an item after a change. Empty text: has none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkColumns<'a> {
    /// Which.
    pub id: ItemId,
    /// State after the change.
    pub state: &'a str,
    /// The state is an end.
    pub ended: bool,
    /// `real` or `exercise`.
    pub provenance: &'a str,
    /// Enterprise id.
    pub enterprise: &'a str,
    /// Town.
    pub town: &'a str,
    /// Industry.
    pub industry: &'a str,
    /// Receiver, a party id.
    pub receiver: &'a str,
    /// Account or party now responsible.
    pub owner: &'a str,
    /// Grade.
    pub grade: &'a str,
    /// Where it came from.
    pub source: &'a str,
    /// Category.
    pub category: &'a str,
    /// Title.
    pub title: &'a str,
    /// Linked tag, `enterprise/tag`.
    pub tag: &'a str,
    /// Linked alarm, `A-000012`.
    pub alarm: &'a str,
    /// The item it belongs to.
    pub parent: &'a str,
    /// The next deadline.
    pub due: Option<Time>,
    /// A deadline passed; stays so once set.
    pub overdue: bool,
    /// When it was made.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// The item it repeats.
    pub recurrence_of: &'a str,
}

impl<'a> WorkColumns<'a> {
    /// A row with nothing but its id.
    pub const fn new(id: ItemId) -> Self {
        Self {
            id,
            state: "",
            ended: false,
            provenance: "real",
            enterprise: "",
            town: "",
            industry: "",
            receiver: "",
            owner: "",
            grade: "",
            source: "",
            category: "",
            title: "",
            tag: "",
            alarm: "",
            parent: "",
            due: None,
            overdue: false,
            created_at: Time(0),
            ended_at: None,
            recurrence_of: "",
        }
    }

    /// The row of an item after an event. Where the item does not say so itself, its enterprise is that of its tag or its
    /// receiver, and town and industry are the enterprise's.
    pub fn of(event: &'a WorkEvent, settings: &'a WorkSettings) -> Self {
        let item = &*event.item;
        let link = |rel: &'static str| item.links.iter().find(|l| &*l.rel == rel).map_or("", |l| l.to.as_str());
        let receiver = item.receiver.as_deref().unwrap_or_default();
        let tag = link("tag");
        let is_enterprise = settings.party(receiver).is_some_and(|p| &*p.kind == "enterprise");
        let of_receiver = if is_enterprise { receiver } else { "" };
        let of_tag = tag.split_once('/').map_or("", |(enterprise, _)| enterprise);
        let enterprise = first([item.text("enterprise"), of_tag, of_receiver]);
        let party = settings.party(enterprise).or_else(|| settings.party(receiver));
        let parents = ["incident", "roll_call", "drill", "handover", "shift"].map(link);
        Self {
            id: item.id,
            state: &item.state,
            ended: item.ended_at.is_some(),
            provenance: provenance(item.provenance),
            enterprise,
            town: first([item.text("town"), party.map_or("", |p| &p.town), ""]),
            industry: first([item.text("industry"), party.map_or("", |p| &p.industry), ""]),
            receiver,
            owner: item.owner.as_deref().unwrap_or_default(),
            grade: item.text("grade"),
            source: item.text("source"),
            category: item.text("category"),
            title: &item.title,
            tag,
            alarm: link("alarm"),
            parent: parents.into_iter().find(|p| !p.is_empty()).unwrap_or_default(),
            due: item.deadlines.iter().map(|d| d.at).min(),
            overdue: item.overdue() || matches!(event.cause, Cause::Deadline { .. }),
            created_at: item.created_at,
            ended_at: item.ended_at,
            recurrence_of: first([link("recurrence_of"), item.text("recurrence_of"), ""]),
        }
    }
}

fn first(texts: [&str; 3]) -> &str {
    texts.into_iter().find(|t| !t.is_empty()).unwrap_or_default()
}

const fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Real => "real",
        Provenance::Exercise => "exercise",
    }
}

/// The event before the next one of the same item.
pub(crate) fn last_event(db: &mut Database, id: ItemId) -> Result<Option<i64>, SqlError> {
    let sql = "SELECT seq FROM work WHERE kind = $1 AND number = $2";
    db.row(sql, &[Param::Text(id.kind.name()), Param::Int(id.number as i64)], |row| row.int(0))
}

/// Writes the row of an item. Its first number and its being overdue are kept; an end keeps the last deadline, so that
/// it can be seen later whether it was in time.
pub(crate) fn upsert(db: &mut Database, seq: i64, w: &WorkColumns<'_>) -> Result<(), SqlError> {
    let sql = "INSERT INTO work (kind, number, seq, first_seq, state, ended, provenance, enterprise, town, industry,
          receiver, owner, grade, source, category, title, tag, alarm, parent, due, overdue, created_at, ended_at,
          recurrence_of)
        VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
          $23)
        ON CONFLICT (kind, number) DO UPDATE SET seq = excluded.seq, state = excluded.state, ended = excluded.ended,
          enterprise = excluded.enterprise, town = excluded.town, industry = excluded.industry,
          receiver = excluded.receiver, owner = excluded.owner, grade = excluded.grade, source = excluded.source,
          category = excluded.category, title = excluded.title, tag = excluded.tag, alarm = excluded.alarm,
          parent = excluded.parent,
          due = CASE WHEN excluded.ended = 1 THEN COALESCE(excluded.due, work.due) ELSE excluded.due END,
          overdue = CASE WHEN work.overdue = 1 THEN 1 ELSE excluded.overdue END,
          ended_at = excluded.ended_at, recurrence_of = excluded.recurrence_of";
    // People's texts end up here, and PostgreSQL takes no U+0000 in a text.
    let texts = [
        w.state,
        w.provenance,
        w.enterprise,
        w.town,
        w.industry,
        w.receiver,
        w.owner,
        w.grade,
        w.source,
        w.category,
        w.title,
        w.tag,
        w.alarm,
        w.parent,
        w.recurrence_of,
    ]
    .map(crate::rows::printable);
    let [state, provenance, rest @ ..] = &texts;
    let (most, recurrence_of) = (&rest[..rest.len() - 1], &rest[rest.len() - 1]);
    let mut params = vec![
        Param::Text(w.id.kind.name()),
        Param::Int(w.id.number as i64),
        Param::Int(seq),
        Param::Text(state),
        Param::Int(i64::from(w.ended)),
        Param::Text(provenance),
    ];
    params.extend(most.iter().map(|text| Param::Text(text)));
    params.extend([
        Param::from(w.due.map(|t| t.0)),
        Param::Int(i64::from(w.overdue)),
        Param::Int(w.created_at.0),
        Param::from(w.ended_at.map(|t| t.0)),
        Param::Text(recurrence_of),
    ]);
    db.execute(sql, &params).map(|_| ())
}
