//! Any bytes into the door's protocol, before and after a login: it accounts exactly and never panics.
#![no_main]

use std::sync::Arc;

use ingest::mqtt::{Actions, Admission, Allowed, Identity, Limits, Session, Site, Step};
use libfuzzer_sys::fuzz_target;
use model::{GatewayIndex, Time};

const NOW: Time = Time(1_795_651_200_000_000);
/// CONNECT of 3.1.1 and of 5, client id "c", no login: the door's check says yes to it.
const CONNECTS: [&[u8]; 2] = [
    &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'c'],
    &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0, 0, 1, b'c'],
];

fn feed(session: &mut Session, carry: &mut Vec<u8>, site: &Site, out: &mut Actions) {
    loop {
        let used = session.feed(carry, NOW, site, out);
        carry.drain(..used);
        let batch = std::mem::take(&mut out.batch);
        assert_eq!(batch.offered, batch.readings.len() as u64 + batch.refused_total() + batch.shed);
        let verify = out.steps.drain(..).any(|s| matches!(s, Step::Verify(_)));
        if !verify {
            break;
        }
        let identity = Identity {
            device: "d".into(),
            enterprises: Allowed::These(vec!["e".into()]),
            client_ids: Vec::new(),
            outgoing: vec!["fenghuo/out/".into()],
        };
        let identity = Arc::new(identity);
        let admission = Admission { identity, gateway: GatewayIndex(0), client_id: "c".into(), record: None };
        session.admit(admission, site, out);
    }
    let upto = session.queued();
    session.committed(upto, out);
    out.send.clear();
    out.notes.clear();
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    let site = Site { directory: Arc::new(fuzz::directory()), ..Site::default() };
    let (mut session, mut out) = (Session::new(Arc::new(Limits::default())), Actions::default());
    let mut carry = Vec::new();
    if let Some(connect) = CONNECTS.get(usize::from(kind % 3)) {
        carry.extend_from_slice(connect);
        feed(&mut session, &mut carry, &site, &mut out);
    }
    // In two pieces: where a packet is cut must not matter.
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    for part in [head, tail] {
        carry.extend_from_slice(part);
        feed(&mut session, &mut carry, &site, &mut out);
    }
});
