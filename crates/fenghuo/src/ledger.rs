//! What the API reads of the work systems: pages, counts, lives of items, the timeline.

use api::{GroupQuery, TimelineQuery};
use model::Time;
use protocol::{AggregateRow, EntryView, OrderFrame, OrderView, Problem, TimelineRow, WorkFrame, WorkItemView, settle};
use response::{ItemId, Kind, WorkFilter};
use runtime::unix_now;
use store::{EventRow, GroupBy, Reader, StoreError, WorkGroup};

use crate::records::{Parts, frame, frames};

/// Items and alarms that one timeline looks at besides its own.
const RELATED_MAX: usize = 2_000;

fn group_by(by: &str) -> GroupBy {
    match by {
        "town" => GroupBy::Town,
        "industry" => GroupBy::Industry,
        "enterprise" => GroupBy::Enterprise,
        "source" => GroupBy::Source,
        "grade" => GroupBy::Grade,
        "state" => GroupBy::State,
        "category" => GroupBy::Category,
        _ => GroupBy::Kind,
    }
}

fn aggregate(g: WorkGroup) -> AggregateRow {
    let rate = |part: u64| if g.total == 0 { 0.0 } else { part as f64 / g.total as f64 };
    AggregateRow {
        total: g.total,
        open: g.open,
        overdue: g.overdue,
        closed: g.closed,
        overdue_rate: rate(g.overdue),
        closure_rate: rate(g.closed),
        mean_days: g.mean_days,
        recurrence_rate: rate(g.recurrences),
        key: g.key,
    }
}

impl Parts {
    pub(crate) fn orders(&self, receiver: Option<String>, limit: usize) -> Result<Vec<OrderView>, Problem> {
        let filter = WorkFilter {
            kind: Some(Kind::Order),
            receiver: receiver.unwrap_or_default(),
            limit: limit as u64,
            ..WorkFilter::default()
        };
        self.readers.read(|r| {
            let (_, rows) = r.work(&filter, Time(unix_now()))?;
            frames::<OrderFrame>(&rows).into_iter().map(|f| whole_order(r, f)).collect()
        })
    }

    pub(crate) fn work(&self, filter: &WorkFilter) -> Result<(u64, Vec<WorkItemView>), Problem> {
        let (total, rows) = self.readers.read(|r| r.work(filter, Time(unix_now())))?;
        let brief = |f: WorkFrame| WorkItemView { log: Vec::new(), ..f.item };
        Ok((total, frames::<WorkFrame>(&rows).into_iter().map(brief).collect()))
    }

    /// The last change, its item with the newest steps of its life.
    pub(crate) fn work_item(&self, id: ItemId) -> Result<Option<WorkFrame>, Problem> {
        let (last, life) = self.readers.read(|r| Ok((r.work_item(id)?, life(r, id)?)))?;
        let mut last: Option<WorkFrame> = last.as_ref().and_then(frame);
        if let Some(last) = &mut last {
            last.item.log = life;
        }
        Ok(last)
    }

    pub(crate) fn work_events(&self, id: ItemId) -> Result<Vec<WorkFrame>, Problem> {
        Ok(frames(&self.readers.read(|r| r.work_history(id, store::ROWS_MAX))?))
    }

    pub(crate) fn work_groups(&self, query: GroupQuery) -> Result<Vec<AggregateRow>, Problem> {
        let (by, filter) = (group_by(query.by), query.filter);
        let groups = self.readers.read(|r| r.work_groups(&filter, by, Time(unix_now())))?;
        Ok(groups.into_iter().map(aggregate).collect())
    }

    pub(crate) fn timeline(&self, query: &TimelineQuery) -> Result<Vec<TimelineRow>, Problem> {
        let mut rows = match query.item {
            None => self.readers.read(|r| all_between(r, query))?,
            Some(item) => self.readers.read(|r| life_and_related(r, item))?.ok_or_else(|| {
                let id = item.to_string();
                Problem::new("NOT_FOUND", &id)
            })?,
        };
        rows.retain(|e| (query.from..query.to).contains(&e.committed_at.0));
        rows.sort_unstable_by_key(|e| std::cmp::Reverse(e.seq));
        rows.dedup_by_key(|e| e.seq);
        rows.truncate(query.limit);
        let line = |e: &EventRow| TimelineRow::of(&settle(&e.json, Some(e.committed_at)), e.committed_at.0);
        Ok(rows.iter().filter_map(line).collect())
    }
}

/// The newest steps of an item, oldest first: of each of its frames the step that it told.
fn life(r: &mut Reader, id: ItemId) -> Result<Vec<EntryView>, StoreError> {
    let told: Vec<WorkFrame> = frames(&r.work_history(id, response::LOG_MAX as u64)?);
    Ok(told.iter().filter_map(WorkFrame::step).cloned().collect())
}

/// An order of the ledger with its receipts; frames of today bring one step each.
fn whole_order(r: &mut Reader, frame: OrderFrame) -> Result<OrderView, StoreError> {
    match frame.order.order_id.parse() {
        Ok(id) => Ok(frame.order.with_life(&life(r, id)?)),
        Err(()) => Ok(frame.order),
    }
}

fn all_between(r: &mut Reader, query: &TimelineQuery) -> Result<Vec<EventRow>, StoreError> {
    let (from, to) = (r.first_seq_at(Time(query.from))?, r.first_seq_at(Time(query.to))?);
    r.events_between(from, to, query.limit as u64)
}

/// Every event of an item, of what belongs to it, and of the alarms they are linked to; none: there is no such item.
fn life_and_related(r: &mut Reader, item: ItemId) -> Result<Option<Vec<EventRow>>, StoreError> {
    let mut rows = r.work_history(item, store::ROWS_MAX)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut alarms = linked_alarms(&rows);
    for child in r.work_children(&item.to_string())?.into_iter().take(RELATED_MAX) {
        let life = r.work_history(child, store::ROWS_MAX)?;
        alarms.extend(linked_alarms(&life));
        rows.extend(life);
    }
    alarms.sort_unstable();
    alarms.dedup();
    for alarm in alarms.into_iter().take(RELATED_MAX) {
        rows.extend(r.alarm_history(alarm)?);
    }
    Ok(Some(rows))
}

fn linked_alarms(life: &[EventRow]) -> Vec<u64> {
    let last: Option<WorkFrame> = life.last().and_then(frame);
    let links = last.map(|f| f.item.links).unwrap_or_default();
    let alarms = links.iter().filter(|l| l.rel == "alarm").filter_map(|l| l.to.parse::<alarm::AlarmId>().ok());
    alarms.map(|a| a.0).collect()
}
