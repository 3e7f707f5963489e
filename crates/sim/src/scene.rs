//! Scenes on a script: what goes wrong, where, from when to when.

/// What happens to tags.
#[derive(Clone, Debug, PartialEq)]
pub enum Scene {
    /// Rises along 1 - e^(-t/rise) to `to`, from the working point near zero, and decays after the end.
    Leak {
        /// Highest value.
        to: f64,
        /// Time constant, seconds.
        rise_s: f64,
    },
    /// The sensor sends its last value again and again.
    Stuck,
    /// Swings between two values, one period each way.
    Chatter {
        /// Lower value.
        low: f64,
        /// Upper value.
        high: f64,
        /// Seconds on each side.
        half_s: f64,
    },
    /// Goes to a value and stays there.
    Set(f64),
    /// The firm's gateway loses its power: no goodbye, its will speaks.
    Dark,
}

/// One scene with its time and place.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Enterprise.
    pub enterprise: &'static str,
    /// Tags whose names start with this.
    pub tags: &'static str,
    /// Seconds after the start of the loop.
    pub from_s: f64,
    /// End.
    pub to_s: f64,
    /// What.
    pub scene: Scene,
}

/// Scenes of one loop of the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    steps: Vec<Step>,
    loop_s: f64,
}

/// What a sensor does instead of wandering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    Set(f64),
    Hold,
}

impl Script {
    /// Nothing goes wrong.
    pub fn quiet() -> Self {
        Self { steps: Vec::new(), loop_s: 3_600.0 }
    }

    /// The demo: a leak within the first minute, a stuck sensor, a chattering limit, a firm going dark, a flood; then again.
    pub fn demo() -> Self {
        let step = |enterprise, tags, from_s, to_s, scene| Step { enterprise, tags, from_s, to_s, scene };
        let leak = |to| Scene::Leak { to, rise_s: 6.0 };
        let steps = vec![
            step("chem-01", "sphere-1.nh3.01", 4.0, 75.0, leak(82.0)),
            step("chem-01", "sphere-1.nh3.02", 8.0, 75.0, leak(64.0)),
            step("chem-01", "sphere-1.nh3.03", 14.0, 70.0, leak(38.0)),
            step("metal-01", "polish-1.collector.running", 40.0, 90.0, Scene::Set(0.0)),
            step("metal-01", "polish-1.dust.01", 42.0, 90.0, leak(18.0)),
            step("chem-01", "tank-2.level", 60.0, 220.0, Scene::Stuck),
            step(
                "metal-01",
                "polish-2.collector.pressure-drop",
                100.0,
                170.0,
                Scene::Chatter { low: 1_700.0, high: 1_900.0, half_s: 3.0 },
            ),
            step("mall-01", "", 150.0, 230.0, Scene::Dark),
            step("metal-01", "power.", 240.0, 300.0, Scene::Set(520.0)),
            step("metal-01", "furnace-", 245.0, 300.0, Scene::Set(5.0)),
            step("mall-01", "kitchen.gas.03", 310.0, 350.0, leak(26.0)),
            step("chem-01", "flame.02", 330.0, 345.0, Scene::Set(1.0)),
        ];
        Self { steps, loop_s: 420.0 }
    }

    /// Only the steps of one enterprise.
    #[must_use]
    pub fn of(&self, enterprise: &str) -> Self {
        Self { steps: self.steps.iter().filter(|s| s.enterprise == enterprise).cloned().collect(), loop_s: self.loop_s }
    }

    pub(crate) fn act(&self, tag: &str, now_s: f64) -> Option<Act> {
        let at = now_s % self.loop_s;
        let step = self
            .steps
            .iter()
            .find(|s| tag.starts_with(s.tags) && (s.from_s..s.to_s).contains(&at) && !matches!(s.scene, Scene::Dark))?;
        let since = at - step.from_s;
        Some(match step.scene {
            Scene::Leak { to, rise_s } => Act::Set(to * (1.0 - (-since / rise_s).exp())),
            Scene::Chatter { low, high, half_s } => {
                Act::Set(if ((since / half_s) as u64).is_multiple_of(2) { high } else { low })
            }
            Scene::Set(v) => Act::Set(v),
            Scene::Stuck | Scene::Dark => Act::Hold,
        })
    }

    /// Whether the firm is without power now.
    pub fn dark(&self, now_s: f64) -> bool {
        let at = now_s % self.loop_s;
        self.steps.iter().any(|s| s.scene == Scene::Dark && (s.from_s..s.to_s).contains(&at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leak_comes_within_the_first_minute() {
        let script = Script::demo().of("chem-01");
        assert_eq!(script.act("sphere-1.nh3.01", 3.9), None);
        let Some(Act::Set(v)) = script.act("sphere-1.nh3.01", 30.0) else { panic!("no leak") };
        assert!(v > 50.0, "{v}");
        assert_eq!(script.act("sphere-1.nh3.01", 80.0), None);
        assert!(script.act("sphere-1.nh3.01", 424.5).is_some(), "the script loops");
    }

    #[test]
    fn only_the_dark_firm_is_dark() {
        assert!(Script::demo().of("mall-01").dark(200.0));
        assert!(!Script::demo().of("chem-01").dark(200.0));
    }
}
