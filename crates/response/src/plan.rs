//! Activation of a plan card: every task of the level is an order in the same transaction (X1); another level changes
//! only the difference and says which (X2).

use crate::stage::{Deed, Stage};
use crate::{
    Cause, ChecklistItem, Fields, Item, ItemId, Kind, Link, Name, PlanCard, TaskTemplate, Value, WorkRefusal,
    WorkSettings,
};

/// Tasks of one level at most.
const TASKS_MAX: usize = 200;

/// `I` to `IV` as the plan's number.
fn level_number(word: &str) -> u8 {
    ["I", "II", "III", "IV"].iter().position(|l| *l == word).map_or(0, |i| i as u8 + 1)
}

fn tasks<'p>(plan: &'p PlanCard, word: &str) -> Result<&'p [TaskTemplate], WorkRefusal> {
    let level = plan.levels.get(&level_number(word));
    let tasks = level.ok_or_else(|| WorkRefusal::not_found("level", format!("{} {word}", plan.id)))?;
    if tasks.len() > TASKS_MAX {
        return Err(WorkRefusal::invalid("level", format!("has {} tasks, at most {TASKS_MAX}", tasks.len())));
    }
    Ok(tasks)
}

fn plan_of<'s>(stage: &'s Stage<'_>, item: &Item) -> Result<&'s PlanCard, WorkRefusal> {
    let id = item.text("plan");
    stage.book.settings().plan(id).ok_or_else(|| WorkRefusal::not_found("plan", id))
}

/// What a task's order is linked by.
fn task_link(plan: &str, task: &str) -> String {
    format!("{plan}/{task}")
}

/// First activation: all tasks are added; the checklist of the chemical is laid out.
pub(crate) fn activate(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    if item.number("expected_duration_s").unwrap_or(0.0) <= 0.0 {
        return Err(WorkRefusal::FieldRequired("expected_duration_s".into()));
    }
    let plan = plan_of(stage, item)?;
    let added: Vec<&str> = tasks(plan, item.text("level"))?.iter().map(|t| t.id.as_str()).collect();
    let checklist = checklist(plan, item.text("chemical"));
    item.set("level_change", change(("", item.text("level")), &added, &[], &[]));
    item.set("checklist", Value::List(checklist));
    Ok(())
}

fn checklist(plan: &PlanCard, chemical: &str) -> Vec<Value> {
    let list = plan.checklists.iter().filter(|c| c.chemical == chemical || c.chemical.is_empty());
    let line = |item: &ChecklistItem| {
        let text = |text: &String| Value::from(text.as_str());
        let source = plan.sources.iter().find(|s| s.id == item.source);
        let (title, confidence) = source.map_or(("", ""), |s| (&s.title, &s.confidence));
        Value::record([
            ("text_zh", text(&item.zh)),
            ("text_en", text(&item.en)),
            ("source", title.into()),
            ("confidence", confidence.into()),
            ("done", false.into()),
        ])
    };
    list.flat_map(|c| &c.items).map(line).collect()
}

fn change((from, to): (&str, &str), added: &[&str], kept: &[&str], revoked: &[&str]) -> Value {
    let list = |ids: &[&str]| Value::List(ids.iter().map(|id| Value::from(*id)).collect());
    Value::record([
        ("from", from.into()),
        ("to", to.into()),
        ("added", list(added)),
        ("kept", list(kept)),
        ("revoked", list(revoked)),
    ])
}

/// The difference between the level in force and the new one.
pub(crate) fn change_level(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let before = stage.item(item.id).map_or_else(String::new, |i| i.text("level").to_owned());
    let to = item.text("level").to_owned();
    if before == to {
        return Err(WorkRefusal::invalid("level", "is the level in force"));
    }
    let plan = plan_of(stage, item)?;
    let ids = |word: &str| Ok(tasks(plan, word)?.iter().map(|t| t.id.as_str()).collect::<Vec<_>>());
    let (old, new): (Vec<&str>, Vec<&str>) = (ids(&before)?, ids(&to)?);
    let added: Vec<&str> = new.iter().copied().filter(|t| !old.contains(t)).collect();
    let kept: Vec<&str> = new.iter().copied().filter(|t| old.contains(t)).collect();
    let revoked: Vec<&str> = old.iter().copied().filter(|t| !new.contains(t)).collect();
    item.set("level_change", change((&before, &to), &added, &kept, &revoked));
    Ok(())
}

fn changed_tasks(item: &Item, part: &str) -> Vec<String> {
    let change = item.fields.get("level_change").and_then(|c| c.part(part));
    change.map_or(&[][..], Value::as_list).iter().filter_map(Value::as_text).map(str::to_owned).collect()
}

/// One order for each added task; those that come after others wait as drafts.
pub(crate) fn create_tasks(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(incident) = stage.changed(id) else { return Ok(()) };
    let plan = plan_of(stage, &incident)?.clone();
    let added = changed_tasks(&incident, "added");
    let all = tasks(&plan, incident.text("level"))?;
    for task in all.iter().filter(|t| added.contains(&t.id)) {
        let receiver = receiver(stage, &incident, &plan, task)?;
        let fields = fields(&incident, &plan, task, stage);
        let mut links = vec![Link::new("incident", id.to_string())];
        links.push(Link::new("plan_task", task_link(&plan.id, &task.id)));
        links.extend(incident.links.iter().filter(|l| matches!(&*l.rel, "alarm" | "drill")).cloned());
        let cause = Cause::Consequence { of: id.to_string() };
        stage.create(Kind::Order, fields, links, (Some(receiver), incident.provenance), cause)?;
    }
    Ok(())
}

/// The party of a task: named by the plan, or holding the role in this incident; else the hall itself must find one.
fn receiver(stage: &Stage<'_>, incident: &Item, plan: &PlanCard, task: &TaskTemplate) -> Result<String, WorkRefusal> {
    let settings = stage.book.settings();
    let roles = incident.fields.get("roles");
    let by_role = |role: &str| roles.and_then(|r| r.part(role)).and_then(Value::as_text).map(str::to_owned);
    let by_role = |role: &str| {
        by_role(role).and_then(|who| party_of(settings, who)).or_else(|| own_role(settings, incident, role))
    };
    let group = plan.groups.iter().find(|g| g.id == task.group).map(|g| by_role(&g.role));
    let named = Some(task.receiver.clone()).filter(|r| settings.parties.is_empty() || settings.party(r).is_some());
    let found = by_role(&task.receiver).or(named.filter(|n| !n.is_empty())).or_else(|| by_role(&task.role));
    let hall = Some(settings.hall.clone()).filter(|h| !h.is_empty());
    let party = found.or(group.flatten()).or(hall).ok_or_else(|| WorkRefusal::not_found("party", &*task.receiver))?;
    crate::check::receiver(settings, &party)?;
    Ok(party)
}

/// A role may be held by an account or by somebody who is only named: an order goes to that account's party, if it has one.
fn party_of(settings: &WorkSettings, who: String) -> Option<String> {
    if settings.parties.is_empty() || settings.party(&who).is_some() {
        return Some(who);
    }
    settings.parties.iter().find(|p| p.account.as_deref() == Some(&who)).map(|p| p.id.clone())
}

/// Two roles that the incident itself fills: its enterprise, and its town or that enterprise's.
fn own_role(settings: &WorkSettings, incident: &Item, role: &str) -> Option<String> {
    let enterprise = incident.text("enterprise");
    let party = match role {
        "enterprise" => enterprise,
        "town" if !incident.text("town").is_empty() => incident.text("town"),
        "town" => settings.party(enterprise)?.town.as_str(),
        _ => return None,
    };
    settings.party(party).map(|p| p.id.clone())
}

fn fields(incident: &Item, plan: &PlanCard, task: &TaskTemplate, stage: &Stage<'_>) -> Fields {
    let text = |name: &str, text: &str| (Name::from(name), Value::from(text));
    let mut fields = Fields::from([
        text("content", &task.text_zh),
        text("content_en", &task.text_en),
        text("plan_ref", &task_link(&plan.id, &task.id)),
        text("place", incident.text("place")),
        text("priority", incident.text("level")),
    ]);
    let times = [
        ("ack_within_s", task.ack_within_s),
        ("feedback_every_s", task.feedback_every_s),
        ("complete_within_s", task.complete_within_s),
    ];
    for (name, seconds) in times.into_iter().filter(|t| t.1 > 0.0) {
        fields.insert(name.into(), seconds.into());
    }
    let waits = task.after.iter().any(|t| !is_done(stage, incident, &task_link(&plan.id, t)));
    if waits {
        fields.insert("draft".into(), true.into());
        let after = task.after.iter().map(|t| Value::Text(task_link(&plan.id, t))).collect();
        fields.insert("after".into(), Value::List(after));
    }
    fields
}

/// A task of this incident is out of the way: done, or withdrawn. One that was never made is still to come, unless the
/// level does not have it.
fn is_done(stage: &Stage<'_>, incident: &Item, task: &str) -> bool {
    let done = incident.fields.get("tasks_done").map_or(&[][..], Value::as_list);
    if done.iter().any(|t| t.as_text() == Some(task)) {
        return true;
    }
    let plan = plan_of(stage, incident).ok();
    let all = plan.and_then(|p| tasks(p, incident.text("level")).ok()).unwrap_or_default();
    let ours = all.iter().any(|t| plan.is_some_and(|p| task_link(&p.id, &t.id) == task));
    let open = stage.linked(task, Kind::Order);
    let of_incident = open.iter().find(|o| o.linked("incident").any(|i| i == incident.id.to_string()));
    match of_incident {
        Some(order) => matches!(&*order.state, "done" | "verified"),
        None => !ours,
    }
}

/// A plan task ended or was done: orders that waited for it are issued, in this transaction.
pub(crate) fn release_waiting(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(order) = stage.changed(id) else { return Ok(()) };
    let Some(task) = order.linked("plan_task").next().map(str::to_owned) else { return Ok(()) };
    let incident = order.linked("incident").find_map(|i| i.parse::<ItemId>().ok());
    let Some(incident) = incident.and_then(|i| stage.item(i).cloned()) else { return Ok(()) };
    let incident = note_done(stage, &incident, &task);
    let waiting = stage.linked(&incident.id.to_string(), Kind::Order);
    for waiting in waiting.iter().filter(|o| &*o.state == "draft") {
        let after = waiting.fields.get("after").map_or(&[][..], Value::as_list);
        let ready = !after.is_empty() && after.iter().filter_map(Value::as_text).all(|t| is_done(stage, &incident, t));
        if ready {
            let cause = Cause::Consequence { of: id.to_string() };
            stage.act(waiting.id, Deed::new("issue", &Fields::new(), cause))?;
        }
    }
    Ok(())
}

/// The incident remembers a task that is out of the way: its order may be archived before the next one is made.
fn note_done(stage: &mut Stage<'_>, incident: &Item, task: &str) -> Item {
    let mut incident = incident.clone();
    let mut done = incident.fields.get("tasks_done").map_or_else(Vec::new, |d| d.as_list().to_vec());
    if done.iter().all(|t| t.as_text() != Some(task)) {
        done.push(task.into());
        incident.set("tasks_done", Value::List(done));
        let cause = Cause::Consequence { of: task.to_owned() };
        stage.tell(incident.clone(), &Deed::new("task_done", &Fields::new(), cause));
    }
    stage.changed(incident.id).map_or(incident, |i| Item::clone(&i))
}

/// Withdraws the orders of tasks that the new level does not have.
pub(crate) fn revoke_tasks(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let Some(incident) = stage.changed(id) else { return Ok(()) };
    let plan = incident.text("plan").to_owned();
    for task in changed_tasks(&incident, "revoked") {
        let link = task_link(&plan, &task);
        withdraw(stage, id, "响应级别调整", |order| order.linked("plan_task").any(|t| t == link))?;
    }
    Ok(())
}

/// The measures end with the response: orders nobody took yet are withdrawn; those under way are ended by their people.
pub(crate) fn withdraw_unanswered(stage: &mut Stage<'_>, id: ItemId, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    withdraw(stage, id, "响应终止", |order| matches!(&*order.state, "draft" | "issued" | "delivered"))
}

fn withdraw(
    stage: &mut Stage<'_>,
    incident: ItemId,
    note: &str,
    wanted: impl Fn(&Item) -> bool,
) -> Result<(), WorkRefusal> {
    let revoke = crate::flow_of(Kind::Order).action("revoke");
    let mut orders = stage.linked(&incident.to_string(), Kind::Order);
    // Waiting ones first: withdrawing what they wait for would issue them.
    orders.sort_by_key(|o| &*o.state != "draft");
    for order in orders {
        let possible = revoke.is_some_and(|a| a.from.contains(&&*order.state));
        if possible && wanted(&order) {
            let fields = Fields::new();
            let cause = Cause::Consequence { of: incident.to_string() };
            stage.act(order.id, Deed { note, ..Deed::new("revoke", &fields, cause) })?;
        }
    }
    Ok(())
}
