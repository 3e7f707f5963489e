// One binary message of a page's video connection: a head of 24 bytes, big-endian, then the payload (crates/video/src/live/packet.rs).

const HEAD = 24;
const KINDS = ['', 'init', 'fragment', 'parameters', 'frame', 'picture'] as const;
export type PacketKind = Exclude<(typeof KINDS)[number], ''>;

export interface Packet {
  readonly kind: PacketKind;
  readonly key: boolean;
  /** From the server's cache: older than now. */
  readonly cached: boolean;
  /** Frames before it were dropped because this page was slow. */
  readonly afterDrop: boolean;
  readonly tile: number;
  readonly number: number;
  /** When the server received it, ms since the epoch. */
  readonly receivedMs: number;
  /** Its time in the media, µs. */
  readonly mediaUs: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Null: no message of ours. */
export function parsePacket(data: ArrayBuffer): Packet | null {
  if (data.byteLength < HEAD) return null;
  const view = new DataView(data);
  const kind = KINDS[view.getUint8(0)];
  if (!kind) return null;
  const flags = view.getUint8(1);
  return {
    kind,
    key: (flags & 1) !== 0,
    cached: (flags & 2) !== 0,
    afterDrop: (flags & 4) !== 0,
    tile: view.getUint16(2),
    number: view.getUint32(4),
    receivedMs: Number(view.getBigInt64(8)) / 1000,
    mediaUs: Number(view.getBigInt64(16)),
    payload: new Uint8Array(data, HEAD),
  };
}
