//! The script of a drill: cues for people, and readings that are injected at their times. What is measured at its end is
//! the exercise's own stamps against their targets, so that the same run gives the same score.

use model::Time;

use crate::stage::{Deed, Stage};
use crate::{Fields, Item, Kind, Provenance, Value, WorkCommand, WorkRefusal};

/// A reading that a drill injects.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// `enterprise/tag`.
    pub tag: String,
    /// In the tag's unit.
    pub value: f64,
}

/// What an injection or a step of a script says; none: a cue for people only.
fn injection(part: &Value) -> Option<Injection> {
    let tag = part.part("tag").and_then(Value::as_text)?.to_owned();
    Some(Injection { tag, value: part.part("value").and_then(Value::as_number)? })
}

/// What a drill's last step injected.
pub fn injected(drill: &Item) -> Option<Injection> {
    drill.fields.get("injected").and_then(injection)
}

/// Tags that a command wants to inject into, now or by a script.
pub fn scripted_tags(command: &WorkCommand) -> Vec<String> {
    let WorkCommand::Act { item, fields, .. } = command else { return Vec::new() };
    if item.kind != Kind::Drill {
        return Vec::new();
    }
    let script = fields.get("script").map_or(&[][..], Value::as_list).iter();
    script.chain(fields.get("inject")).filter_map(injection).map(|i| i.tag).collect()
}

fn time_of(step: &Value) -> Option<f64> {
    step.part("at_s").and_then(Value::as_number)
}

/// Steps are texts, or records of `at_s`, `text`, `tag` and `value`; times do not go back, and a tag has a value.
pub(crate) fn check(_: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let steps = item.fields.get("script").map_or(&[][..], Value::as_list);
    let mut last = 0.0;
    for (number, step) in steps.iter().enumerate() {
        let wrong = |problem: &str| Err(WorkRefusal::invalid("script", format!("step {number}: {problem}")));
        if step.as_text().is_some() {
            continue;
        }
        match time_of(step) {
            Some(at_s) if at_s >= last && at_s <= 604_800.0 => last = at_s,
            _ => return wrong("at_s must be a number of seconds, not before the step above, at most a week"),
        }
        if step.part("tag").is_some() && injection(step).is_none() {
            return wrong("a tag needs a value");
        }
    }
    Ok(())
}

/// The step at or after `from` that comes by itself.
fn timed(item: &Item, from: usize) -> Option<(usize, f64)> {
    let steps = item.fields.get("script").map_or(&[][..], Value::as_list);
    steps.iter().enumerate().skip(from).find_map(|(i, step)| time_of(step).map(|at_s| (i, at_s)))
}

fn arm(item: &mut Item, from: usize) {
    let started = item.time("started_at").unwrap_or(Time(0));
    match timed(item, from) {
        Some((step, at_s)) => {
            item.set("step", (step as f64).into());
            item.set("next_at", started.plus_s(at_s).into());
        }
        None => {
            item.fields.remove("next_at");
        }
    }
}

pub(crate) fn begin(_: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    arm(item, 0);
    Ok(())
}

/// The director injects something that is not in the script.
pub(crate) fn by_hand(_: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let given = item.fields.get("inject").cloned().unwrap_or_else(|| Value::Record(Fields::new()));
    if injection(&given).is_none() && given.part("text").is_none_or(Value::is_blank) {
        return Err(WorkRefusal::invalid("inject", "needs a tag and a value, or a text"));
    }
    item.set("injected", given);
    Ok(())
}

/// The next step of the script is due.
pub(crate) fn next(_: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    let step = item.number("step").unwrap_or(0.0) as usize;
    let given = item.fields.get("script").map_or(&[][..], Value::as_list).get(step).cloned();
    item.set("injected", given.unwrap_or_else(|| Value::Record(Fields::new())));
    arm(item, step + 1);
    Ok(())
}

/// The gaps of the exercise's incident, and the share of targets met in per cent.
pub(crate) fn measure(stage: &Stage<'_>, item: &mut Item, _: &Deed<'_>) -> Result<(), WorkRefusal> {
    item.fields.remove("next_at");
    let incidents = stage.linked(&item.id.to_string(), Kind::Incident);
    let played = incidents.iter().find(|i| i.provenance == Provenance::Exercise);
    let Some(Value::Record(gaps)) = played.and_then(|i| i.fields.get("gaps")) else { return Ok(()) };
    let number = |gap: &Value, part: &str| gap.part(part).and_then(Value::as_number);
    let met = gaps.values().filter_map(|g| Some(number(g, "s")? <= number(g, "target_s")?));
    let (total, good) = met.fold((0.0, 0.0), |(all, good), ok| (all + 1.0, good + f64::from(u8::from(ok))));
    if total > 0.0 {
        item.set("auto_score", (good / total * 100.0).into());
    }
    item.set("gaps", Value::Record(gaps.clone()));
    Ok(())
}
