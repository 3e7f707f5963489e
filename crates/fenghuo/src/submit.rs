//! The ways into the hall: batches of the doors, commands of people, numbers for gateways.

use std::sync::Arc;
use std::time::Duration;

use engine::{LinkChange, LinkScope};
use hall::{Hall, Submission};
use ingest::{Batch, Link, LinkScope as DoorScope, Submit};
use model::Gateways;
use parking_lot::Mutex;
use protocol::Problem;

use crate::records::problem;

/// How often a full hall is asked again, by callers that may block.
const RETRY: Duration = Duration::from_millis(1);

/// Hands the doors' batches to the hall.
pub fn batches(hall: &Hall) -> Submit {
    let hall = hall.clone();
    Arc::new(move |batch: Batch| {
        let Batch { readings, links, offered, refused, shed, done, urgent } = batch;
        if readings.is_empty() && links.is_empty() && done.is_none() {
            return Ok(());
        }
        let links = links.into_iter().map(change).collect();
        match hall.submit(Submission::Readings { readings, links, done, urgent }) {
            Ok(()) => Ok(()),
            Err(Submission::Readings { readings, links, done, urgent }) => {
                let links = links.into_iter().map(back).collect();
                Err(Batch { readings, links, offered, refused, shed, done, urgent })
            }
            // The hall gives back what it was given.
            Err(_) => Ok(()),
        }
    })
}

fn change(link: Link) -> LinkChange {
    let scope = match link.scope {
        DoorScope::Gateway(gateway, enterprise) => LinkScope::Gateway(gateway, enterprise),
        DoorScope::Broker(name) => LinkScope::Broker(name),
    };
    LinkChange { scope, up: link.up, reason: link.reason }
}

fn back(change: LinkChange) -> Link {
    let scope = match change.scope {
        LinkScope::Gateway(gateway, enterprise) => DoorScope::Gateway(gateway, enterprise),
        LinkScope::Broker(name) => DoorScope::Broker(name),
        // Doors never send it, so it never comes back to one.
        LinkScope::Journal => DoorScope::Broker("journal".into()),
    };
    Link { scope, up: change.up, reason: change.reason }
}

/// Hands people's commands to the hall.
pub fn desk(hall: &Hall) -> api::Desk {
    let hall = hall.clone();
    Arc::new(move |command| {
        let (tell, told) = tokio::sync::oneshot::channel();
        // What the engine did since is not durable: an answer out of it would be a promise nobody keeps.
        if let Some(reason) = hall.failure() {
            let _ = tell.send(Err(problem(hall::Failure::Journal(reason))));
            return told;
        }
        let reply = Box::new(move |result: Result<_, hall::Failure>| {
            let _ = tell.send(result.map_err(problem));
        });
        match hall.submit(Submission::Command(command, reply)) {
            Ok(()) => told,
            Err(_) => {
                let (tell, told) = tokio::sync::oneshot::channel();
                let _ = tell.send(Err(Problem::new("BUSY", "")));
                told
            }
        }
    })
}

/// Gives gateways their numbers; a new one is registered in the journal before its first reading.
pub fn intern(hall: &Hall, gateways: Arc<Mutex<Gateways>>) -> ingest::mqtt::InternGateway {
    let hall = hall.clone();
    Arc::new(move |name| {
        // The lock is held over the submission: names reach the journal in the order of their numbers.
        let mut gateways = gateways.lock();
        let (index, new) = gateways.intern(name);
        let mut submission = new.then(|| Submission::Gateway(name.to_owned()));
        while let Some(waiting) = submission.take() {
            if let Err(back) = hall.submit(waiting)
                && hall.failure().is_none()
                && !hall.is_closed()
            {
                std::thread::sleep(RETRY);
                submission = Some(back);
            }
        }
        index
    })
}
