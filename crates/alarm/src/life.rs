//! One episode's life beside its process region: acknowledgement, latch, and the projection to ISA-18.2 states.

use crate::State;

/// The regions that decide the shown state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// The process is active.
    pub active: bool,
    /// Somebody acknowledged this episode.
    pub acknowledged: bool,
    /// Back to normal but waits for a reset.
    pub latched: bool,
    /// A shelving is in force.
    pub shelved: bool,
    /// A design suppression is in force.
    pub suppressed: bool,
    /// Its tag is out of service.
    pub out_of_service: bool,
}

impl Regions {
    /// Whether nothing is left to do: the episode closes. Shelving or suppression never hides an unacknowledged episode's end.
    pub const fn is_closed(self) -> bool {
        !self.active && self.acknowledged && !self.latched
    }

    /// The ISA-18.2 state a console shows (IEC 62682 figure 3: E, F, G take precedence over A to D).
    pub const fn project(self) -> State {
        if self.is_closed() {
            State::Normal
        } else if self.out_of_service {
            State::OutOfService
        } else if self.suppressed {
            State::SuppressedByDesign
        } else if self.shelved {
            State::Shelved
        } else {
            self.basic()
        }
    }

    const fn basic(self) -> State {
        match (self.active, self.acknowledged) {
            (true, false) => State::Unacknowledged,
            (true, true) => State::Acknowledged,
            (false, false) => State::ReturnedUnacknowledged,
            (false, true) => State::Latched,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters: `a`ctive, `k`nown (acknowledged), `l`atched, `s`helved, `d`esign-suppressed, `o`ut of service.
    #[track_caller]
    fn check(regions: &str, expected: State) {
        let has = |c| regions.contains(c);
        let projected = Regions {
            active: has('a'),
            acknowledged: has('k'),
            latched: has('l'),
            shelved: has('s'),
            suppressed: has('d'),
            out_of_service: has('o'),
        };
        assert_eq!(projected.project(), expected, "regions {regions}");
    }

    #[test]
    fn projection_table() {
        check("a", State::Unacknowledged);
        check("ak", State::Acknowledged);
        check("", State::ReturnedUnacknowledged);
        check("k", State::Normal);
        check("kl", State::Latched);
        check("as", State::Shelved);
        check("asd", State::SuppressedByDesign);
        check("asdo", State::OutOfService);
        check("kso", State::Normal);
    }
}
