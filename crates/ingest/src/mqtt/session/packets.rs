//! All packets but PUBLISH, and messages to subscribers.

use super::*;

impl Session {
    pub(super) fn packet(&mut self, first: u8, whole: &[u8], body: usize, out: &mut Actions) -> Result<(), Fault> {
        let empty = whole.len() == body;
        match first {
            0xc0 if empty => {
                out.send.extend_from_slice(&[0xd0, 0]);
                Ok(())
            }
            0xc0 => Err(Fault::malformed("PINGREQ has a body")),
            0x10 => Err(Fault::protocol("a second CONNECT [MQTT-3.1.0-2]")),
            0x82 => self.subscribe(whole, body, out),
            0xe0 if self.version == Version::V3 && !empty => Err(Fault::malformed("DISCONNECT has a body")),
            _ if self.version == Version::V3 => self.packet_v3(wire::decode_v3(whole)?, out),
            _ => self.packet_v5(wire::decode_v5(whole)?, out),
        }
    }

    fn packet_v3(&mut self, packet: v3::Packet, out: &mut Actions) -> Result<(), Fault> {
        match packet {
            v3::Packet::PublishAck { packet_id } => self.acknowledged(packet_id.get()),
            v3::Packet::PublishRelease { packet_id } => self.release(packet_id.get(), out),
            v3::Packet::Unsubscribe { packet_id, topic_filters } => {
                self.unsubscribe(topic_filters.iter().map(|f| f.to_string()).collect(), out);
                wire::encode_v3(v3::Packet::UnsubscribeAck { packet_id }, &mut out.send);
            }
            v3::Packet::Disconnect => self.goodbye(true),
            _ => return Err(Fault::protocol("a packet that only a server sends")),
        }
        Ok(())
    }

    fn packet_v5(&mut self, packet: v5::Packet, out: &mut Actions) -> Result<(), Fault> {
        match packet {
            v5::Packet::PublishAck(ack) => self.acknowledged(ack.packet_id.get()),
            v5::Packet::PublishRelease(ack) => self.release(ack.packet_id.get(), out),
            v5::Packet::Unsubscribe(packet) => {
                let filters: Vec<_> = packet.topic_filters.iter().map(|f| f.to_string()).collect();
                let status = self.unsubscribe(filters, out);
                let ack = v5::UnsubscribeAck {
                    packet_id: packet.packet_id,
                    properties: Vec::new(),
                    reason_string: None,
                    status,
                };
                wire::encode_v5(ack.into(), self.packet_max(), &mut out.send);
            }
            v5::Packet::Disconnect(packet) => return self.disconnect(&packet),
            v5::Packet::Auth(_) => return Err(Fault::protocol("AUTH without enhanced authentication")),
            _ => return Err(Fault::protocol("a packet that only a server sends")),
        }
        Ok(())
    }

    fn packet_max(&self) -> u32 {
        self.client.as_ref().map_or(0, |c| c.packet_max)
    }

    fn disconnect(&mut self, packet: &v5::Disconnect) -> Result<(), Fault> {
        if let (Some(client), Some(expiry_s)) = (&mut self.client, packet.session_expiry_interval_secs) {
            if client.expiry_s == 0 && expiry_s > 0 {
                return Err(Fault::protocol("session expiry was 0 at CONNECT [MQTT-3.1.2-23]"));
            }
            client.expiry_s = expiry_s.min(self.limits.session_expiry_max_s);
        }
        self.goodbye(packet.reason_code == v5::DisconnectReasonCode::NormalDisconnection);
        Ok(())
    }

    fn goodbye(&mut self, normal: bool) {
        self.loss = if normal { Loss::Disconnected } else { Loss::Closed };
        self.phase = Phase::Closing;
    }

    fn release(&mut self, id: u16, out: &mut Actions) {
        if self.acks.release(id, self.version, &mut out.send) {
            out.steps.push(Step::Save);
        }
    }

    fn subscribe(&mut self, whole: &[u8], body: usize, out: &mut Actions) -> Result<(), Fault> {
        let (packet_id, filters) = connect::subscribe(whole, body, self.version)?;
        let Some(client) = &mut self.client else { return Ok(()) };
        let mut granted = Vec::new();
        let mut reasons = Vec::new();
        for (filter, qos) in filters {
            let mut reason = connect::judge_filter(&filter, qos, &client.reader.identity().outgoing);
            let place = client.subscriptions.iter().position(|(f, _)| *f == filter);
            match place {
                Some(place) if reason < 2 => client.subscriptions[place].1 = reason,
                None if reason < 2 && client.subscriptions.len() >= self.limits.subscriptions_max => reason = 0x97,
                None if reason < 2 => client.subscriptions.push((filter.clone(), reason)),
                _ => {}
            }
            if reason < 2 {
                granted.push((filter, reason));
            }
            reasons.push(reason);
        }
        self.suback(packet_id, &reasons, &mut out.send);
        if !granted.is_empty() {
            out.steps.extend([Step::Save, Step::Subscribe(granted)]);
        }
        Ok(())
    }

    fn suback(&self, packet_id: std::num::NonZeroU16, reasons: &[u8], out: &mut Vec<u8>) {
        if self.version == Version::V3 {
            let code = |reason: &u8| match reason {
                0 => v3::SubscribeReturnCode::Success(rmqtt_codec::types::QoS::AtMostOnce),
                1 => v3::SubscribeReturnCode::Success(rmqtt_codec::types::QoS::AtLeastOnce),
                _ => v3::SubscribeReturnCode::Failure,
            };
            let status = reasons.iter().map(code).collect();
            return wire::encode_v3(v3::Packet::SubscribeAck { packet_id, status }, out);
        }
        let code =
            |reason: &u8| v5::SubscribeAckReason::try_from(*reason).unwrap_or(v5::SubscribeAckReason::UnspecifiedError);
        let status = reasons.iter().map(code).collect();
        let ack = v5::SubscribeAck { packet_id, properties: Vec::new(), reason_string: None, status };
        wire::encode_v5(ack.into(), self.packet_max(), out);
    }

    fn unsubscribe(&mut self, filters: Vec<String>, out: &mut Actions) -> Vec<v5::UnsubscribeAckReason> {
        let Some(client) = &mut self.client else { return Vec::new() };
        let mut status = Vec::new();
        for filter in &filters {
            let before = client.subscriptions.len();
            client.subscriptions.retain(|(f, _)| f != filter);
            status.push(match client.subscriptions.len() < before {
                true => v5::UnsubscribeAckReason::Success,
                false => v5::UnsubscribeAckReason::NoSubscriptionExisted,
            });
        }
        out.steps.extend([Step::Save, Step::Unsubscribe(filters)]);
        status
    }

    fn acknowledged(&mut self, id: u16) {
        if let Some(client) = &mut self.client {
            client.unacked.retain(|waiting| *waiting != id);
        }
    }

    /// Whether a QoS 1 message can be sent to the client now.
    pub fn can_deliver(&self) -> bool {
        self.client.as_ref().is_some_and(|c| c.unacked.len() < usize::from(c.receive_max))
    }

    /// Sends a message to the subscriber. One that is larger than it takes is left out (MQTT-3.1.2-25); returns false.
    pub fn deliver(&mut self, (topic, payload): (&str, &[u8]), qos: u8, retain: bool, out: &mut Actions) -> bool {
        let version = self.version;
        let Some(client) = &mut self.client else { return false };
        let size = topic.len() + payload.len() + 12;
        if client.packet_max > 0 && size > client.packet_max as usize {
            return false;
        }
        let mut id = 0;
        if qos > 0 {
            client.next_id = client.next_id.checked_add(1).unwrap_or(1);
            id = client.next_id;
            client.unacked.push(id);
        }
        wire::put_publish(&mut out.send, version, ((qos << 1) | u8::from(retain), id), topic, payload);
        true
    }
}
