// One WebSocket for all tiles of the page: tickets, layout, reconnection. Tiles come and go; the connection stays.
import { ApiError, post } from '../api/client';
import type { LiveTileState, Problem } from '../api/types';
import { type Packet, parsePacket } from './packet';
import type { Mode, Stream } from './mode';

export interface Wish {
  readonly camera: string;
  readonly stream: Stream;
  readonly mode: Mode;
}

export interface TileHooks {
  packet(packet: Packet): void;
  state(state: LiveTileState): void;
  /** The connection is gone (null: not refused); pictures stand still. */
  lost(problem: Problem | null): void;
}

/** Waits between two connections, ms. */
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];

class VideoLink {
  /** Messages that were none; nothing is dropped uncounted. */
  unreadable = 0;
  private readonly tiles = new Map<number, { wish: Wish; hooks: TileHooks }>();
  private readonly admitted = new Set<string>();
  private socket: WebSocket | null = null;
  private next = 1;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private syncing = false;
  private again = false;

  /** A tile begins; answers its number. */
  open(wish: Wish, hooks: TileHooks): number {
    // Never the number of a tile that has just gone: its last pictures may be under way.
    const number = this.next;
    this.next = (this.next % 60_000) + 1;
    this.tiles.set(number, { wish, hooks });
    this.soon();
    return number;
  }

  close(number: number): void {
    this.tiles.delete(number);
    this.soon();
  }

  /** Tiles of one change of the page are told as one layout. */
  private soon(): void {
    if (this.syncing) this.again = true;
    else if (this.timer === null) queueMicrotask(() => void this.sync());
  }

  private async sync(): Promise<void> {
    if (this.syncing) return;
    this.syncing = true;
    try {
      do {
        this.again = false;
        await this.bring();
      } while (this.again);
    } catch (error) {
      this.lose(error instanceof ApiError ? error.problem : null);
    } finally {
      this.syncing = false;
    }
  }

  private async bring(): Promise<void> {
    if (this.tiles.size === 0) return this.drop();
    const needed = [...new Set([...this.tiles.values()].map((t) => t.wish.camera))].filter((c) => !this.admitted.has(c));
    if (needed.length > 0) {
      const { ticket } = await post('/api/v1/video/tickets', { cameras: needed.map((camera) => ({ camera })) });
      if (this.socket) this.socket.send(JSON.stringify({ type: 'ticket', ticket }));
      else await this.connect(ticket);
      needed.forEach((camera) => this.admitted.add(camera));
    }
    const tiles = [...this.tiles].map(([tile, { wish }]) => ({ tile, ...wish }));
    this.socket?.send(JSON.stringify({ type: 'watch', tiles }));
  }

  private connect(ticket: string): Promise<void> {
    const url = new URL(`/api/v1/video?ticket=${encodeURIComponent(ticket)}`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = (message) => this.socket === socket && this.hear(message.data);
    return new Promise((opened, failed) => {
      socket.onopen = () => {
        this.socket = socket;
        this.tries = 0;
        opened();
      };
      socket.onclose = () => {
        if (this.socket === socket) this.lose(null);
        else failed(new Error('not connected'));
      };
    });
  }

  private hear(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      const packet = parsePacket(data);
      if (packet) this.tiles.get(packet.tile)?.hooks.packet(packet);
      else this.unreadable += 1;
      return;
    }
    const frame: unknown = JSON.parse(String(data));
    if (isState(frame)) this.tiles.get(frame.tile)?.hooks.state(frame);
    else if (isRefusal(frame)) [...this.tiles.values()].filter((t) => t.wish.camera === frame.field).forEach((t) => t.hooks.lost(frame));
    else this.unreadable += 1;
  }

  private lose(problem: Problem | null): void {
    this.drop();
    for (const { hooks } of this.tiles.values()) hooks.lost(problem);
    if (this.timer !== null || this.tiles.size === 0) return;
    const wait = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)] ?? 1_000;
    this.tries += 1;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.sync();
    }, wait);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.admitted.clear();
    socket?.close();
  }
}

const isRecord = (value: unknown): value is { [key: string]: unknown } => typeof value === 'object' && value !== null;
const isState = (value: unknown): value is LiveTileState => isRecord(value) && value.type === 'tile' && typeof value.tile === 'number';
const isRefusal = (value: unknown): value is Problem => isRecord(value) && value.type === 'error' && typeof value.code === 'string';

export const videoLink = new VideoLink();
