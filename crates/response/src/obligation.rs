//! Who must hold drills has one planned: made when the settings come into force and none is open for that party.

use crate::book::Turn;
use crate::{Book, Cause, DrillObligation, Fields, Kind, Provenance, Sight, WorkEvent};

impl Book {
    /// Plans the first drill of every obligation that has none open.
    pub(crate) fn plan_drills(&mut self, turn: Turn<'_>) -> Vec<WorkEvent> {
        let settings = self.settings().clone();
        let planned = |o: &&DrillObligation| !self.open_of(Kind::Drill).any(|d| d.text("party") == o.party);
        let owed: Vec<&DrillObligation> = settings.drill_obligations.iter().filter(planned).collect();
        if owed.is_empty() {
            return Vec::new();
        }
        self.cause(turn, &Sight::default(), |stage| {
            for obligation in owed {
                let name = settings.party(&obligation.party).map_or(&obligation.party, |p| &p.name_zh);
                let due = turn.now.plus_s(obligation.every_d.max(1.0) * 86_400.0);
                let fields = Fields::from([
                    ("title".into(), format!("{name} 应急演练").into()),
                    ("party".into(), obligation.party.as_str().into()),
                    ("every_d".into(), obligation.every_d.into()),
                    ("due".into(), due.into()),
                ]);
                let cause = Cause::Consequence { of: "settings".into() };
                stage.create(Kind::Drill, fields, Vec::new(), (None, Provenance::Real), cause)?;
            }
            Ok(())
        })
    }
}
