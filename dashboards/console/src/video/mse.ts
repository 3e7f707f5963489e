// A video element fed by Media Source Extensions: one fragment a frame, kept at the live edge.
import { chase } from './chase';
import type { Packet } from './packet';
import type { Player, PlayerHooks } from './player';

/** Looked at between fragments too: a stream that stands must not drift, ms. */
const LOOK_MS = 200;
/** Pictures of which it is remembered when they were received. */
const REMEMBERED = 150;
/** Fragments that wait for the buffer; more means that it is stuck. */
const WAITING_MAX = 400;
/** Fragments come and nothing was shown for so long: it begins anew, ms. */
const STUCK_MS = 4_000;
/** The player's times are doubles of seconds: the same within this, µs. */
const SAME_US = 1_500;

export class MsePlayer implements Player {
  private readonly media = new MediaSource();
  private buffer: SourceBuffer | null = null;
  private codec = '';
  private waiting: Uint8Array<ArrayBuffer>[] = [];
  private received: { mediaUs: number; receivedMs: number }[] = [];
  private readonly timer = setInterval(() => this.keepUp(), LOOK_MS);
  private closed = false;
  private fedAt = 0;
  private shownAt = Date.now();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly hooks: PlayerHooks,
  ) {
    this.media.addEventListener('sourceopen', () => this.feed());
    video.src = URL.createObjectURL(this.media);
    video.onerror = () => this.fail(video.error?.message ?? 'the video element failed');
    this.watchFrames();
  }

  take(packet: Packet, codec: string): void {
    if (packet.kind === 'init') this.codec = codec;
    else if (packet.kind !== 'fragment') return;
    if (packet.kind === 'fragment') {
      this.received.push({ mediaUs: packet.mediaUs, receivedMs: packet.receivedMs });
      if (this.received.length > REMEMBERED) this.received.shift();
      this.fedAt = Date.now();
    }
    this.waiting.push(packet.payload);
    if (this.waiting.length > WAITING_MAX) return this.fail('the buffer takes nothing');
    this.feed();
  }

  close(keep = false): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    URL.revokeObjectURL(this.video.src);
    this.video.onerror = null;
    if (keep) return;
    this.video.removeAttribute('src');
    this.video.load();
  }

  private fail(cause: string): void {
    if (!this.closed) this.hooks.failed(cause);
  }

  private feed(): void {
    if (this.closed || this.media.readyState !== 'open' || this.waiting.length === 0 || this.buffer?.updating) return;
    try {
      const type = `video/mp4; codecs="${this.codec}"`;
      if (!this.buffer) {
        this.buffer = this.media.addSourceBuffer(type);
        this.buffer.addEventListener('updateend', () => this.updated());
        this.buffer.addEventListener('error', () => this.fail('a fragment was refused'));
      }
      this.buffer.appendBuffer(joined(this.waiting));
      this.waiting = [];
    } catch (error) {
      this.fail(String(error));
    }
  }

  private updated(): void {
    this.keepUp();
    this.feed();
  }

  private keepUp(): void {
    if (this.closed || !this.buffer || this.media.readyState !== 'open') return;
    if (document.hidden) this.shownAt = Date.now();
    else if (this.fedAt - this.shownAt > STUCK_MS) return this.fail('fragments come and nothing is shown');
    const ranges = Array.from({ length: this.buffer.buffered.length }, (_, i) => [this.buffer?.buffered.start(i) ?? 0, this.buffer?.buffered.end(i) ?? 0] as const);
    const next = chase(ranges, this.video.currentTime);
    if (next.seek !== null && !this.video.seeking) {
      if (this.video.currentTime > 0) this.hooks.jumped();
      this.video.currentTime = next.seek;
    }
    if (this.video.playbackRate !== next.rate) this.video.playbackRate = next.rate;
    if (this.video.paused) this.video.play().catch(() => undefined); // a hidden tab may refuse; asked again at the next look
    if (next.removeBefore !== null && !this.buffer.updating) this.buffer.remove(0, next.removeBefore);
  }

  private watchFrames(): void {
    this.video.requestVideoFrameCallback?.((now, frame) => {
      if (this.closed) return;
      this.shownAt = Date.now();
      const us = frame.mediaTime * 1e6;
      const found = this.received.find((r) => Math.abs(r.mediaUs - us) < SAME_US);
      if (found) this.hooks.presented(found.receivedMs, Date.now() - (performance.now() - Math.max(now, frame.presentationTime)));
      this.watchFrames();
    });
  }
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
