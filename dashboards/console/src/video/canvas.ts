// Pictures drawn on a canvas: frames decoded by WebCodecs, or whole JPEG pictures.
import type { Packet } from './packet';
import type { Player, PlayerHooks } from './player';

/** Frames that wait for the decoder; more, and it begins anew at the next key frame. */
const DECODING_MAX = 60;

abstract class CanvasPlayer implements Player {
  protected closed = false;
  private readonly context: CanvasRenderingContext2D | null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    protected readonly hooks: PlayerHooks,
  ) {
    this.context = canvas.getContext('2d', { alpha: false, desynchronized: true });
  }

  abstract take(packet: Packet, codec: string): void;

  close(): void {
    this.closed = true;
  }

  protected draw(picture: VideoFrame | ImageBitmap, width: number, height: number, receivedMs: number): void {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.context?.drawImage(picture, 0, 0);
    picture.close();
    this.hooks.presented(receivedMs, Date.now());
  }
}

export class CodecsPlayer extends CanvasPlayer {
  private decoder: VideoDecoder | null = null;
  private needsKey = true;
  private readonly received = new Map<number, number>();

  take(packet: Packet, codec: string): void {
    if (packet.kind === 'parameters') return this.begin(codec, packet.payload);
    if (packet.kind !== 'frame' || !this.decoder || this.closed) return;
    if (this.decoder.decodeQueueSize > DECODING_MAX) {
      this.needsKey = true;
      this.hooks.jumped();
    }
    if (this.needsKey && !packet.key) return;
    this.needsKey = false;
    this.received.set(packet.mediaUs, packet.receivedMs);
    this.decoder.decode(new EncodedVideoChunk({ type: packet.key ? 'key' : 'delta', timestamp: packet.mediaUs, data: packet.payload }));
  }

  override close(): void {
    super.close();
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
  }

  private begin(codec: string, description: Uint8Array<ArrayBuffer>): void {
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close();
    this.needsKey = true;
    this.received.clear();
    this.decoder = new VideoDecoder({
      output: (frame) => this.shown(frame),
      error: (error) => !this.closed && this.hooks.failed(error.message),
    });
    this.decoder.configure({ codec, description, optimizeForLatency: true });
  }

  private shown(frame: VideoFrame): void {
    const receivedMs = this.received.get(frame.timestamp) ?? 0;
    // Frames come out in the order in which they went in.
    for (const time of this.received.keys()) {
      if (time > frame.timestamp) break;
      this.received.delete(time);
    }
    if (this.closed) return frame.close();
    this.draw(frame, frame.displayWidth, frame.displayHeight, receivedMs);
  }
}

export class PicturePlayer extends CanvasPlayer {
  private drawing = false;

  take(packet: Packet): void {
    // One at a time: a picture that comes while the last one is decoded is late already.
    if (packet.kind !== 'picture' || this.drawing) return;
    this.drawing = true;
    createImageBitmap(new Blob([packet.payload], { type: 'image/jpeg' }))
      .then((picture) => !this.closed && this.draw(picture, picture.width, picture.height, packet.receivedMs))
      .catch((error: unknown) => this.hooks.failed(String(error)))
      .finally(() => (this.drawing = false));
  }
}
