//! A naive batch evaluator over the whole sorted history, written apart from the engine: it looks for runs of samples.

/// What is judged: a high limit with deadband and delays, milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub limit: f64,
    pub deadband: f64,
    pub on_ms: i64,
    pub off_ms: i64,
}

/// End of the unbroken run of samples from `from` on for which `holds`: the time of the first that breaks it.
fn run_end(samples: &[(i64, f64)], from: usize, holds: impl Fn(f64) -> bool) -> Option<i64> {
    samples[from..].iter().find(|s| !holds(s.1)).map(|s| s.0)
}

/// First time at or after `not_before` at which `holds` has lasted `delay`, if the history up to `horizon` shows it.
fn first_held(
    samples: &[(i64, f64)],
    not_before: usize,
    delay: i64,
    horizon: i64,
    holds: &dyn Fn(f64) -> bool,
) -> Option<i64> {
    let mut i = not_before;
    while i < samples.len() {
        if !holds(samples[i].1) {
            i += 1;
            continue;
        }
        let start = samples[i].0;
        let end = run_end(samples, i, holds);
        // A sample that breaks the run exactly when the delay ends comes too late.
        if end.unwrap_or(horizon) >= start + delay && (delay == 0 || start + delay <= horizon) {
            return Some(start + delay);
        }
        i += samples[i..].iter().take_while(|s| holds(s.1)).count();
    }
    None
}

/// `(raised, milliseconds)` of every raise and return in a history whose samples are in order and of distinct times.
pub fn evaluate(samples: &[(i64, f64)], horizon: i64, limit: Limit) -> Vec<(bool, i64)> {
    let violated = |v: f64| v >= limit.limit;
    let cleared = |v: f64| v < limit.limit && v <= limit.limit - limit.deadband;
    let mut found = Vec::new();
    let mut from = 0;
    loop {
        let raise = found.len() % 2 == 0;
        let (delay, holds): (i64, &dyn Fn(f64) -> bool) =
            if raise { (limit.on_ms, &violated) } else { (limit.off_ms, &cleared) };
        let Some(t) = first_held(samples, from, delay, horizon, holds) else { return found };
        found.push((raise, t));
        // The next run begins with the first sample after this transition, or at it if a timer made it.
        from = samples.partition_point(|s| if delay == 0 { s.0 <= t } else { s.0 < t });
    }
}

#[test]
fn the_oracle_itself() {
    let limit = Limit { limit: 50.0, deadband: 5.0, on_ms: 1_000, off_ms: 500 };
    let samples = [(0, 60.0), (900, 40.0), (1_000, 50.0), (2_500, 46.0), (3_000, 45.0), (3_400, 60.0), (4_000, 1.0)];
    assert_eq!(evaluate(&samples, 9_000, limit), [(true, 2_000), (false, 4_500)]);
}
