//! Physics enough to look real: every tag wanders around its working point with inertia and noise. Pure: time is an argument.

use model::{Directory, TagEntry, TagIndex};

use crate::scene::{Act, Script};

/// One enterprise's tags with their present values.
#[derive(Clone, Debug)]
pub struct Plant {
    tags: Vec<Sensor>,
    noise: u64,
}

#[derive(Clone, Debug)]
struct Sensor {
    index: TagIndex,
    name: String,
    period_s: f64,
    next_at_s: f64,
    rest: f64,
    swing: f64,
    value: f64,
    switch: bool,
}

/// One value to publish.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Tag name.
    pub tag: &'a str,
    /// Value; switches are 0 and 1.
    pub value: f64,
    /// Published as true or false.
    pub switch: bool,
}

impl Plant {
    /// The plant of one enterprise; the same seed gives the same day.
    pub fn new(directory: &Directory, enterprise: &str, seed: u64) -> Self {
        let mut plant = Self { tags: Vec::new(), noise: seed | 1 };
        for (i, entry) in directory.tags().iter().enumerate() {
            if entry.enterprise == enterprise && !entry.retired {
                let phase = plant.random();
                plant.tags.push(Sensor::new(TagIndex(i as u32), entry, phase));
            }
        }
        plant
    }

    /// How many tags it has.
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// xorshift64*, 0 to 1.
    fn random(&mut self) -> f64 {
        self.noise ^= self.noise >> 12;
        self.noise ^= self.noise << 25;
        self.noise ^= self.noise >> 27;
        (self.noise.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Calls `publish` for every tag that is due at `now_s` seconds since the start.
    pub fn step(&mut self, now_s: f64, script: &Script, mut publish: impl FnMut(&Sample<'_>)) {
        for i in 0..self.tags.len() {
            if self.tags[i].next_at_s > now_s {
                continue;
            }
            let noise = self.random() + self.random() + self.random() - 1.5;
            let sensor = &mut self.tags[i];
            sensor.advance(now_s, noise, script.act(&sensor.name, now_s));
            publish(&Sample { tag: &sensor.name, value: sensor.value, switch: sensor.switch });
        }
    }

    /// The number of a tag's index in the directory, for tests.
    pub fn index(&self, tag: &str) -> Option<TagIndex> {
        self.tags.iter().find(|s| s.name == tag).map(|s| s.index)
    }
}

impl Sensor {
    fn new(index: TagIndex, entry: &TagEntry, phase: f64) -> Self {
        let period_s = entry.period_s.unwrap_or(5.0);
        let switch = entry.span.is_none();
        let (rest, swing) = working_point(entry);
        Self { index, name: entry.tag.clone(), period_s, next_at_s: phase * period_s, rest, swing, value: rest, switch }
    }

    /// Back towards the working point by a tenth, plus noise; a scene may take over.
    fn advance(&mut self, now_s: f64, noise: f64, act: Option<Act>) {
        self.next_at_s = (self.next_at_s + self.period_s).max(now_s);
        self.value = match act {
            Some(Act::Hold) => return,
            Some(Act::Set(v)) if self.switch => v,
            Some(Act::Set(v)) => v + noise * self.swing * 0.2,
            None if self.switch => self.rest,
            None => self.value + (self.rest - self.value) * 0.1 + noise * self.swing * 0.3,
        };
        if !self.switch {
            self.value = (self.value * 100.0).round() / 100.0;
        }
    }
}

/// Where a tag rests and how far it swings: between its limits, gas and smoke near zero, switches by their names.
fn working_point(entry: &TagEntry) -> (f64, f64) {
    let Some((from, to)) = entry.span else {
        let on = ["running", "ground"].iter().any(|w| entry.tag.contains(w)) && !entry.tag.starts_with("pump");
        return (f64::from(u8::from(on)), 0.0);
    };
    let l = entry.limits;
    match (l.l.or(l.ll), l.h.or(l.hh)) {
        (Some(low), Some(high)) => (low + (high - low) * 0.55, (high - low) * 0.02),
        (Some(low), None) => (low + (to - low) * 0.4, (to - low) * 0.01),
        (None, Some(high)) => (from.max(0.0) + (high - from.max(0.0)) * 0.15, (high - from.max(0.0)) * 0.03),
        (None, None) => (from + (to - from) * 0.2, (to - from) * 0.02),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Limits;

    fn directory() -> Directory {
        let entry = |tag: &str, span, limits| TagEntry {
            enterprise: "chem-01".into(),
            tag: tag.into(),
            unit_id: String::new(),
            description_zh: String::new(),
            description_en: String::new(),
            unit: "ppm".into(),
            span,
            limits,
            deadband: 0.0,
            on_delay_s: 0.0,
            off_delay_s: 0.0,
            period_s: Some(2.0),
            retired: false,
        };
        let gas = Limits { h: Some(25.0), hh: Some(50.0), ..Limits::default() };
        let tags = vec![entry("sphere-1.nh3.01", Some((0.0, 300.0)), gas), entry("pump.x", None, Limits::default())];
        Directory::new(1, Vec::new(), tags)
    }

    #[test]
    fn a_quiet_hour_raises_nothing_and_a_leak_does() {
        let mut plant = Plant::new(&directory(), "chem-01", 7);
        let mut worst = 0.0_f64;
        for second in 0..3_600 {
            plant.step(f64::from(second), &Script::quiet(), |s| worst = worst.max(s.value));
        }
        assert!(worst < 20.0, "{worst}");
        let (leak, mut plant) = (Script::demo(), Plant::new(&directory(), "chem-01", 7));
        for second in 0..60 {
            plant.step(f64::from(second), &leak, |s| worst = worst.max(s.value));
        }
        assert!(worst > 50.0, "{worst}");
    }

    #[test]
    fn the_same_seed_gives_the_same_day() {
        let day = |seed| {
            let mut plant = Plant::new(&directory(), "chem-01", seed);
            let mut all = Vec::new();
            (0..100).for_each(|s| plant.step(f64::from(s), &Script::demo(), |x| all.push((x.tag.to_owned(), x.value))));
            all
        };
        assert_eq!(day(3), day(3));
        assert_ne!(day(3), day(4));
    }
}
