// The edge of the stream: performs the link's actions on a real WebSocket. No decision is taken here.
import type { ClientFrame, Frame } from '../api/types';
import { parseFrame } from './frame';
import { type Link, type LinkAction, type LinkEvent, newLink, stepLink } from './link';

export interface StreamHooks {
  /** Loads the open alarms and orders; answers the number they stand at. */
  loadSnapshot(): Promise<number>;
  /** A frame that belongs to the hall. */
  frame(frame: Frame): void;
  /** The link changed. */
  changed(link: Link): void;
  caughtUp(missed: number, afterLoss: boolean, snapshotTaken: boolean): void;
  /** A handshake was refused: is there still a session? */
  probeSession(): void;
  sessionEnded(): void;
  /** What the server should know at once on every connection (subscription, sound). */
  greeting(): ClientFrame[];
}

/** The watchdog looks this often, ms. */
const TICK_MS = 100;

export class StreamClient {
  /** Messages that were no frame; shown on the link badge, because nothing is dropped uncounted. */
  unreadable = 0;
  private link = newLink(Date.now());
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly hooks: StreamHooks) {}

  start(): void {
    this.timer ??= setInterval(() => this.on({ kind: 'tick', random: Math.random() }), TICK_MS);
    this.on({ kind: 'start' });
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.drop();
    this.link = newLink(Date.now());
  }

  /** Sends if connected; what matters is repeated in the greeting of the next connection. */
  send(frame: ClientFrame): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private on(event: LinkEvent): void {
    const before = this.link;
    const step = stepLink(before, event, Date.now());
    this.link = step.link;
    for (const action of step.actions) this.perform(action);
    if (this.link !== before) this.hooks.changed(this.link);
  }

  private perform(action: LinkAction): void {
    switch (action.kind) {
      case 'load_snapshot':
        this.drop();
        void this.load();
        return;
      case 'connect':
        return this.connect(action.since);
      case 'disconnect':
        return this.drop();
      case 'probe_session':
        return this.hooks.probeSession();
      case 'login':
        return this.hooks.sessionEnded();
      case 'caught_up':
        return this.hooks.caughtUp(action.missed, action.afterLoss, action.snapshotTaken);
    }
  }

  private async load(): Promise<void> {
    try {
      const seq = await this.hooks.loadSnapshot();
      this.on({ kind: 'snapshot', seq });
    } catch {
      this.on({ kind: 'snapshot_failed' });
    }
  }

  private connect(since: number): void {
    const url = new URL(`/api/v1/stream?since=${since}`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = (message) => this.receive(socket, message.data);
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.on({ kind: 'closed', code: event.code, random: Math.random() });
    };
  }

  private receive(socket: WebSocket, data: unknown): void {
    if (this.socket !== socket) return;
    const parsed = parseFrame(String(data));
    if (!parsed.ok) {
      this.unreadable += 1;
      return;
    }
    // The hall hears first: "caught up" must mean that everything before it was applied.
    this.hooks.frame(parsed.frame);
    this.on({ kind: 'frame', frame: parsed.frame });
    if (parsed.frame.type === 'hello') for (const frame of this.hooks.greeting()) this.send(frame);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
