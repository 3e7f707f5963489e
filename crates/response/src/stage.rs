//! One transaction over the book: changes are collected with their events and taken over whole, or dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Actor, Time};

use crate::book::Turn;
use crate::flow::{ActionSpec, By, Flow, Receivers, Then};
use crate::item::LOG_MAX;
use crate::{
    Attachment, Book, Cause, Entry, Fields, Item, ItemId, Kind, Link, Name, Provenance, Sight, Value, WorkCommand,
    WorkEvent, WorkRefusal, check, deadline, effect, flow_of, party_of,
};

/// Consequences of consequences at most; a table that goes deeper is wrong.
const DEPTH_MAX: usize = 8;

/// The transaction.
pub(crate) struct Stage<'a> {
    pub book: &'a Book,
    pub now: Time,
    pub actor: Actor,
    pub sight: &'a Sight,
    seq: u64,
    numbers: BTreeMap<(Kind, Provenance), u64>,
    items: BTreeMap<ItemId, Arc<Item>>,
    events: Vec<WorkEvent>,
    /// Alarms and dark sources that another person keeps from now on; none: nobody.
    pub alarm_owners: BTreeMap<String, Option<String>>,
    depth: usize,
}

/// What a finished transaction changes.
#[derive(Debug)]
pub(crate) struct Changes {
    pub items: BTreeMap<ItemId, Arc<Item>>,
    pub alarm_owners: BTreeMap<String, Option<String>>,
}

/// One action with all that was given.
#[derive(Clone, Debug)]
pub(crate) struct Deed<'d> {
    pub action: &'d str,
    pub fields: &'d Fields,
    pub note: &'d str,
    pub attachments: &'d [Attachment],
    pub cause: Cause,
    /// From when deadlines count, if not from now.
    pub at: Option<Time>,
}

impl<'d> Deed<'d> {
    pub(crate) fn new(action: &'d str, fields: &'d Fields, cause: Cause) -> Self {
        Self { action, fields, note: "", attachments: &[], cause, at: None }
    }
}

impl<'a> Stage<'a> {
    pub(crate) fn new(book: &'a Book, turn: Turn<'_>, sight: &'a Sight) -> Self {
        Self {
            book,
            now: turn.now,
            actor: turn.actor.clone(),
            sight,
            seq: turn.seq,
            numbers: BTreeMap::new(),
            items: BTreeMap::new(),
            events: Vec::new(),
            alarm_owners: BTreeMap::new(),
            depth: 0,
        }
    }

    pub(crate) fn finish(self) -> (Changes, Vec<WorkEvent>) {
        (Changes { items: self.items, alarm_owners: self.alarm_owners }, self.events)
    }

    pub(crate) fn command(&mut self, command: &WorkCommand) -> Result<(), WorkRefusal> {
        match command {
            WorkCommand::Create { kind, fields, links, receivers, provenance, seen } => {
                self.check_alone(*kind, links, *seen)?;
                self.create_all(*kind, (fields, links), receivers, *provenance)
            }
            WorkCommand::Act { item, seq, action, fields, note, attachments } => {
                let known = flow_of(item.kind).action(action).is_some();
                known.then_some(()).ok_or_else(|| WorkRefusal::not_found("action", &**action))?;
                self.check_seen(*item, *seq)?;
                let deed = Deed { action, fields, note, attachments, cause: Cause::Command, at: None };
                self.check_person(*item, action)?;
                self.act(*item, deed)
            }
        }
    }

    /// Somebody was faster, or the item is ended.
    fn check_seen(&self, id: ItemId, seen: u64) -> Result<(), WorkRefusal> {
        let item = self.item(id).ok_or_else(|| self.book.gone(id, seen))?;
        if item.seq != seen {
            let at = item.log.last().map_or(item.created_at, |e| e.at);
            let by = item.last_by().name.clone();
            return Err(WorkRefusal::VersionConflict { id: id.to_string(), seen, current: item.seq, by, at });
        }
        Ok(())
    }

    /// A field account sees and acts on its own items only; nobody does what only timers do.
    fn check_person(&self, id: ItemId, action: &str) -> Result<(), WorkRefusal> {
        let flow = flow_of(id.kind);
        let spec = flow.action(action).ok_or_else(|| WorkRefusal::not_found("action", action))?;
        let item = self.item(id).ok_or_else(|| self.book.gone(id, 0))?;
        if spec.by == By::System {
            return Err(state_refusal(flow, item));
        }
        let Some(party) = party_of(&self.actor.account) else { return Ok(()) };
        if item.receiver.as_deref() != Some(party) || spec.by == By::Hall {
            return Err(WorkRefusal::not_found("item", id.to_string()));
        }
        Ok(())
    }

    /// Two people answer one alarm at once: the second must see the first one's item before making more.
    fn check_alone(&self, kind: Kind, links: &[Link], seen: Option<u64>) -> Result<(), WorkRefusal> {
        let Some(seen) = seen else { return Ok(()) };
        let alarms = links.iter().filter(|l| &*l.rel == "alarm");
        let others = alarms.flat_map(|l| self.book.linked(&l.to)).filter(|i| i.id.kind == kind && i.seq > seen);
        match others.max_by_key(|i| i.seq) {
            None => Ok(()),
            Some(i) => {
                let (by, at) = (i.last_by().name.clone(), i.log.last().map_or(i.created_at, |e| e.at));
                Err(WorkRefusal::VersionConflict { id: i.id.to_string(), seen, current: i.seq, by, at })
            }
        }
    }

    /// An item for each receiver, each on its own track (D3).
    fn create_all(
        &mut self,
        kind: Kind,
        (fields, links): (&Fields, &[Link]),
        receivers: &[String],
        provenance: Provenance,
    ) -> Result<(), WorkRefusal> {
        let flow = flow_of(kind);
        if party_of(&self.actor.account).is_some() {
            return Err(WorkRefusal::not_found("flow", kind.name()));
        }
        check::creation(self, flow, (fields, links), receivers, provenance)?;
        if let Some(many) = flow.many
            && many(self, fields, provenance)?
        {
            return Ok(());
        }
        let each = |receiver: &String| Some(receiver.clone());
        let receivers: Vec<Option<String>> = match flow.receivers {
            Receivers::None => vec![None],
            _ if receivers.is_empty() => vec![None],
            _ => receivers.iter().map(each).collect(),
        };
        for receiver in receivers {
            self.create(kind, fields.clone(), links.to_vec(), (receiver, provenance), Cause::Command)?;
        }
        Ok(())
    }

    /// Creates one item whose fields were checked, or that the kernel itself makes.
    pub(crate) fn create(
        &mut self,
        kind: Kind,
        fields: Fields,
        links: Vec<Link>,
        (receiver, provenance): (Option<String>, Provenance),
        cause: Cause,
    ) -> Result<ItemId, WorkRefusal> {
        let flow = flow_of(kind);
        let id = self.next_id(kind, provenance);
        let draft = matches!(fields.get("draft"), Some(Value::Flag(true))) && flow.state("draft").is_some();
        let state = if draft { "draft" } else { flow.initial };
        let mut item = Item {
            id,
            seq: 0,
            state: state.into(),
            title: String::new(),
            provenance,
            fields: fields.clone(),
            links,
            deadlines: Vec::new(),
            receiver,
            owner: None,
            created_at: self.now,
            created_by: self.actor.clone(),
            ended_at: None,
            log: Vec::new(),
        };
        check::guards(self, flow.guards, &item)?;
        let deed = Deed::new("create", &fields, cause);
        effect::before(self, flow.then, &mut item, &deed)?;
        item.title = title(flow, &item);
        item.ended_at = flow.is_end(&item.state).then_some(self.now);
        deadline::settle(self.book.settings(), flow, &mut item, self.now);
        self.record(item, None, &deed);
        self.follow(flow.then, id, &deed)?;
        Ok(id)
    }

    fn next_id(&mut self, kind: Kind, provenance: Provenance) -> ItemId {
        let last = self.numbers.entry((kind, provenance)).or_insert_with(|| self.book.last_number(kind, provenance));
        *last += 1;
        ItemId { kind, number: *last }
    }

    /// Does one action of the table.
    pub(crate) fn act(&mut self, id: ItemId, deed: Deed<'_>) -> Result<(), WorkRefusal> {
        let item = self.item(id).ok_or_else(|| self.book.gone(id, 0))?;
        self.act_on(Item::clone(item), deed)
    }

    /// The same on an item that was changed already.
    pub(crate) fn act_on(&mut self, mut item: Item, deed: Deed<'_>) -> Result<(), WorkRefusal> {
        let flow = flow_of(item.id.kind);
        let spec = flow.action(deed.action).ok_or_else(|| WorkRefusal::not_found("action", deed.action))?;
        if !spec.from.contains(&&*item.state) {
            return Err(state_refusal(flow, &item));
        }
        check::deed(self, flow, spec, &deed)?;
        let from = item.state.clone();
        item.fields.extend(deed.fields.iter().map(|(n, v)| (n.clone(), v.clone())));
        check::required(spec.required, &item.fields, deed.note)?;
        check::guards(self, spec.guards, &item)?;
        self.apply(spec, item, from, &deed)
    }

    fn apply(
        &mut self,
        spec: &'static ActionSpec,
        mut item: Item,
        from: Name,
        deed: &Deed<'_>,
    ) -> Result<(), WorkRefusal> {
        let (id, flow) = (item.id, flow_of(item.id.kind));
        if !spec.to.is_empty() {
            item.state = spec.to.into();
        }
        effect::before(self, spec.then, &mut item, deed)?;
        item.title = title(flow, &item);
        if flow.is_end(&item.state) {
            item.ended_at = Some(self.now);
        }
        deadline::settle(self.book.settings(), flow, &mut item, deed.at.unwrap_or(self.now));
        self.record(item, Some(from), deed);
        self.follow(spec.then, id, deed)
    }

    fn follow(&mut self, then: &'static [Then], id: ItemId, deed: &Deed<'_>) -> Result<(), WorkRefusal> {
        if self.depth == DEPTH_MAX {
            return Err(WorkRefusal::invalid("action", "its consequences do not end"));
        }
        self.depth += 1;
        let result = effect::after(self, then, id, deed);
        self.depth -= 1;
        result
    }

    /// Does something whole or not at all.
    pub(crate) fn attempt(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), WorkRefusal>,
    ) -> Result<(), WorkRefusal> {
        let (seq, numbers, items, events) = (self.seq, self.numbers.clone(), self.items.clone(), self.events.len());
        let result = work(self);
        if result.is_err() {
            (self.seq, self.numbers, self.items) = (seq, numbers, items);
            self.events.truncate(events);
        }
        result
    }

    /// Numbers a change, writes it into the item's log, and tells it.
    pub(crate) fn record(&mut self, mut item: Item, from: Option<Name>, deed: &Deed<'_>) {
        debug_assert!(flow_of(item.id.kind).words(deed.action).is_some(), "{} has no words", deed.action);
        item.seq = self.seq;
        self.seq += 1;
        if item.log.len() == LOG_MAX {
            item.log.remove(0);
        }
        item.log.push(Entry {
            seq: item.seq,
            at: self.now,
            action: deed.action.into(),
            from: from.clone().unwrap_or_else(|| "".into()),
            to: item.state.clone(),
            by: self.actor.clone(),
            note: deed.note.to_owned(),
            fields: deed.fields.clone(),
            attachments: deed.attachments.to_vec(),
        });
        let item = Arc::new(item);
        self.items.insert(item.id, item.clone());
        let (action, note) = (deed.action.into(), deed.note.to_owned());
        self.events.push(WorkEvent { item, from, action, actor: self.actor.clone(), note, cause: deed.cause.clone() });
    }

    /// Tells a change that is no action of the table: a step of a ladder, a stamp, an owner.
    pub(crate) fn tell(&mut self, item: Item, deed: &Deed<'_>) {
        let from = Some(item.state.clone());
        self.record(item, from, deed);
    }

    /// An open item as this transaction sees it.
    pub(crate) fn item(&self, id: ItemId) -> Option<&Arc<Item>> {
        match self.items.get(&id) {
            Some(item) if flow_of(id.kind).is_end(&item.state) => None,
            Some(item) => Some(item),
            None => self.book.get(id),
        }
    }

    /// An item as this transaction left it, ended or not.
    pub(crate) fn changed(&self, id: ItemId) -> Option<Arc<Item>> {
        self.items.get(&id).or_else(|| self.book.get(id)).cloned()
    }

    /// Whether there is or was such an item.
    pub(crate) fn knows(&self, id: ItemId) -> bool {
        self.items.contains_key(&id) || self.book.knows(id)
    }

    /// Open items of a kind linked to something.
    pub(crate) fn linked(&self, to: &str, kind: Kind) -> Vec<Arc<Item>> {
        let old = self.book.linked(to).map(|i| i.id).filter(|id| !self.items.contains_key(id));
        let new = self.items.values().filter(|i| i.links.iter().any(|l| l.to == to)).map(|i| i.id);
        let ids: std::collections::BTreeSet<ItemId> = old.chain(new).filter(|id| id.kind == kind).collect();
        ids.into_iter().filter_map(|id| self.item(id).cloned()).collect()
    }

    /// Open items of a kind.
    pub(crate) fn open_of(&self, kind: Kind) -> Vec<Arc<Item>> {
        let old = self.book.open_of(kind).map(|i| i.id);
        let new = self.items.keys().copied().filter(|id| id.kind == kind);
        let ids: std::collections::BTreeSet<ItemId> = old.chain(new).collect();
        ids.into_iter().filter_map(|id| self.item(id).cloned()).collect()
    }
}

/// The edge does not exist: says what does.
fn state_refusal(flow: &'static Flow, item: &Item) -> WorkRefusal {
    let possible = flow.possible(&item.state).map(|a| a.name.to_owned()).collect();
    WorkRefusal::State { item: item.id, state: item.state.clone(), possible }
}

/// Characters of a title.
const TITLE_MAX: usize = 60;

/// The first text that says what it is about.
fn title(flow: &'static Flow, item: &Item) -> String {
    let texts = ["title", "content", "text"].map(|f| item.text(f).trim());
    let found = texts.into_iter().find(|t| !t.is_empty());
    found.unwrap_or(flow.zh).chars().filter(|c| !c.is_control()).take(TITLE_MAX).collect()
}
