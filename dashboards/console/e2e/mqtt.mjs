// The smallest MQTT 3.1.1 publisher that tests need: connect, QoS 0 and 1, PUBACK awaited.
import { connect } from 'node:net';

const text = (s) => {
  const bytes = Buffer.from(s);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

function packet(head, ...parts) {
  const body = Buffer.concat(parts);
  const length = [];
  let rest = body.length;
  do {
    length.push((rest % 128) | (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

export class Publisher {
  constructor(socket) {
    this.socket = socket;
    this.next = 1;
    this.waiting = new Map();
    this.buffer = Buffer.alloc(0);
    socket.on('data', (data) => this.receive(data));
    socket.on('error', () => this.fail());
    socket.on('close', () => this.fail());
  }

  static async open({ host, port, username, password }, clientId = `e2e-${process.pid}-${Date.now()}`) {
    const socket = connect({ host, port, noDelay: true });
    await new Promise((open, fail) => socket.once('connect', open).once('error', fail));
    const publisher = new Publisher(socket);
    const accepted = new Promise((open, fail) => publisher.waiting.set('connack', { open, fail }));
    const flags = 0b1100_0010; // user name, password, clean session
    socket.write(packet(0x10, text('MQTT'), Buffer.from([4, flags, 0, 60]), text(clientId), text(username), text(password)));
    await accepted;
    return publisher;
  }

  /** QoS 0: on its way when it returns. */
  send(topic, payload) {
    this.socket.write(packet(0x30, text(topic), Buffer.from(payload)));
  }

  /** QoS 1: resolves with the PUBACK, which means it is durable. */
  publish(topic, payload) {
    const id = this.next++ % 65_535 || this.next++;
    const done = new Promise((open, fail) => this.waiting.set(id, { open, fail }));
    this.socket.write(packet(0x32, text(topic), Buffer.from([id >> 8, id & 255]), Buffer.from(payload)));
    return done;
  }

  receive(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    while (this.buffer.length >= 2 && this.buffer.length >= 2 + this.buffer[1]) {
      const length = this.buffer[1]; // CONNACK and PUBACK are shorter than 128 bytes
      this.take(this.buffer[0] >> 4, this.buffer.subarray(2, 2 + length));
      this.buffer = this.buffer.subarray(2 + length);
    }
  }

  take(kind, body) {
    const key = kind === 2 ? 'connack' : kind === 4 ? body.readUInt16BE(0) : undefined;
    const waiter = this.waiting.get(key);
    this.waiting.delete(key);
    if (kind === 2 && body[1] !== 0) waiter?.fail(new Error(`CONNACK refused: ${body[1]}`));
    else waiter?.open();
  }

  fail() {
    for (const { fail } of this.waiting.values()) fail(new Error('the connection ended'));
    this.waiting.clear();
  }

  close() {
    this.socket.destroy();
  }
}

/** Topic and payload of the outside contract. */
export const topicOf = (enterprise, tag) => `fh/v1/${enterprise}/${tag}`;
export const reading = (value, at = Date.now()) => JSON.stringify({ ts: at, v: value });
