//! Two alarm levels of one detector that come as two tags (domain §2.1, A8): the second in alarm while the first is not
//! means that one of them is wrong.

use crate::TagText;

/// The contacts of one detector close within seconds of one another: so long the first level has to follow, at least.
const FOLLOW_S: f64 = 5.0;

/// The expression that holds while the levels contradict one another; none: one of them has no limit to be in alarm by.
pub(crate) fn contradiction(second: &TagText, first: &TagText) -> Option<String> {
    Some(format!("{} and not ({})", in_alarm(second, true)?, in_alarm(first, false)?))
}

/// How long it must hold: the first level may have a delay of its own, and reports only once in a period.
pub(crate) fn delay_s(first: &TagText) -> f64 {
    first.on_delay_s.max(first.period_s.map_or(0.0, |p| p * 2.0)).max(FOLLOW_S)
}

/// A switch says so itself; a number is held against its outermost or innermost limit.
fn in_alarm(tag: &TagText, outermost: bool) -> Option<String> {
    let (name, unit, l) = (&tag.tag, &tag.unit, &tag.limits);
    if unit.is_empty() && tag.span.is_none() {
        return Some(format!("\"{name}\""));
    }
    let pick = |outer: Option<f64>, inner: Option<f64>| if outermost { outer.or(inner) } else { inner.or(outer) };
    match (pick(l.hh, l.h), pick(l.ll, l.l)) {
        (Some(limit), _) => Some(format!("\"{name}\" >= {limit} {unit}")),
        (None, Some(limit)) => Some(format!("\"{name}\" <= {limit} {unit}")),
        (None, None) => None,
    }
}
