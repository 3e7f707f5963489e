//! The demo's cameras and what happens before them, in step with the plants' script.

use std::time::{Duration, Instant};

use runtime::Tasks;

use super::camera::Camera;
use super::fault::Fault;
use super::view::{Look, Place};
use super::{CamerasError, Handle};

/// The script is looked at this often.
const STEP: Duration = Duration::from_millis(200);

/// Something with one camera, from when to when.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Camera.
    pub camera: String,
    /// Seconds after the start of the loop.
    pub from_s: f64,
    /// End; what lasts is cleared then.
    pub to_s: f64,
    /// What.
    pub fault: Fault,
}

/// Steps of one loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    steps: Vec<Step>,
    loop_s: f64,
}

impl Script {
    /// A script of steps that begins anew after `loop_s` seconds.
    pub fn new(steps: Vec<Step>, loop_s: f64) -> Self {
        Self { steps, loop_s }
    }

    /// Eight cameras of the demo: tank farm, workshop, gate and corridor of its three enterprises, two of them by night.
    pub fn demo_cameras() -> Vec<Camera> {
        vec![
            Camera::new("chem-01-spheres", Place::TankFarm),
            Camera::new("chem-01-tanks", Place::TankFarm).at_night(),
            Camera::new("chem-01-gate", Place::Gate),
            Camera::new("metal-01-polish", Place::Workshop),
            Camera::new("metal-01-furnace", Place::Workshop).at_night(),
            Camera::new("metal-01-gate", Place::Gate).at_night(),
            Camera::new("mall-01-corridor", Place::Corridor),
            Camera::new("mall-01-kitchen", Place::Corridor).at_night(),
        ]
    }

    /// The pictures to the plants' demo script, which loops in 420 s: the leak at the spheres, the flame, the firm without
    /// power; and the faults a camera has by itself.
    pub fn demo() -> Self {
        let step = |camera: &str, from_s, to_s, fault| Step { camera: camera.to_owned(), from_s, to_s, fault };
        Self::new(
            vec![
                step("chem-01-spheres", 4.0, 75.0, Fault::Look(Look::Leak)),
                step("chem-01-spheres", 330.0, 352.0, Fault::Look(Look::Flame)),
                step("mall-01-corridor", 150.0, 230.0, Fault::Dark),
                step("mall-01-kitchen", 150.0, 230.0, Fault::Dark),
                step("chem-01-gate", 90.0, 180.0, Fault::Look(Look::Occluded)),
                step("metal-01-gate", 120.0, 230.0, Fault::Look(Look::Shifted)),
                step("metal-01-furnace", 200.0, 310.0, Fault::Look(Look::Frozen)),
                step("chem-01-tanks", 240.0, 320.0, Fault::Look(Look::Blurred)),
                step("metal-01-polish", 130.0, 150.0, Fault::Loss { permille: 30 }),
                step("metal-01-polish", 260.0, 275.0, Fault::Stall),
            ],
            420.0,
        )
    }

    /// Steps that have begun (true) or ended (false) after `before_s` and not after `now_s`, in running seconds.
    fn edges(&self, before_s: f64, now_s: f64) -> Vec<(&Step, bool)> {
        let passed = |at: f64| {
            let turn = |s: f64| ((s - at) / self.loop_s).floor();
            turn(now_s) > turn(before_s)
        };
        let ends = self.steps.iter().filter(|s| passed(s.to_s)).map(|s| (s, false));
        ends.chain(self.steps.iter().filter(|s| passed(s.from_s)).map(|s| (s, true))).collect()
    }
}

impl Handle {
    /// Plays a script over the cameras until the tasks stop.
    ///
    /// # Errors
    /// [`CamerasError::Unknown`] if the script names a camera that is not there.
    pub fn play(&self, tasks: &Tasks, script: Script) -> Result<(), CamerasError> {
        for step in &script.steps {
            self.unit(&step.camera)?;
        }
        let (handle, stop) = (self.clone(), tasks.stopping().clone());
        tasks.run("simulated cameras' script", async move {
            let (started, mut before_s) = (Instant::now(), -1e-9);
            let mut ticks = tokio::time::interval(STEP);
            loop {
                tokio::select! { biased; () = stop.cancelled() => return, _ = ticks.tick() => {} }
                let now_s = started.elapsed().as_secs_f64();
                handle.take(&script.edges(before_s, now_s));
                before_s = now_s;
            }
        });
        Ok(())
    }

    fn take(&self, edges: &[(&Step, bool)]) {
        for (step, begins) in edges {
            tracing::info!(camera = step.camera, fault = ?step.fault, begins, "the cameras' script");
            // The script's names were checked when it began.
            let _ = if *begins { self.inject(&step.camera, step.fault) } else { self.clear(&step.camera) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_and_end_once_a_loop() {
        let step = Step { camera: "a".into(), from_s: 4.0, to_s: 9.0, fault: Fault::Stall };
        let script = Script::new(vec![step], 20.0);
        let edges = |before, now| script.edges(before, now).into_iter().map(|(_, b)| b).collect::<Vec<_>>();
        assert!(edges(0.0, 3.9).is_empty());
        assert_eq!(edges(3.9, 4.0), [true]);
        assert!(edges(4.0, 8.0).is_empty());
        assert_eq!(edges(8.0, 9.1), [false]);
        assert!(edges(9.1, 23.9).is_empty());
        assert_eq!(edges(23.9, 24.1), [true], "and again in the next loop");
    }

    #[test]
    fn the_demo_names_its_own_cameras_and_ends_within_its_loop() {
        let (cameras, script) = (Script::demo_cameras(), Script::demo());
        assert_eq!(cameras.len(), 8);
        for step in &script.steps {
            assert!(cameras.iter().any(|c| c.name == step.camera), "{}", step.camera);
            assert!(step.from_s < step.to_s && step.to_s <= script.loop_s);
        }
    }
}
