// The loudspeaker: Web Audio only, no file. Armed means that a person's gesture started it and that it runs.
import type { Level } from '../hall/state';
import { PATTERNS, type Tone } from './pattern';

export class Player {
  private context: AudioContext | null = null;
  private out: DynamicsCompressorNode | null = null;

  constructor(private readonly changed: () => void) {}

  /** Must be called inside a gesture; headless browsers report "running" without one, people's browsers do not. */
  async arm(): Promise<void> {
    if (!this.context) {
      this.context = new AudioContext();
      this.out = this.context.createDynamicsCompressor();
      this.out.connect(this.context.destination);
      this.context.onstatechange = this.changed;
    }
    await this.context.resume();
    this.changed();
  }

  get armed(): boolean {
    return this.context?.state === 'running';
  }

  play(level: Level): void {
    if (!this.armed) return;
    for (const tone of PATTERNS[level]) this.tone(tone);
  }

  private tone(tone: Tone): void {
    if (!this.context || !this.out) return;
    const start = this.context.currentTime + 0.02 + tone.at / 1000;
    const end = start + tone.ms / 1000;
    const oscillator = new OscillatorNode(this.context, { type: tone.wave, frequency: tone.hz });
    const gain = new GainNode(this.context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(tone.gain * 0.5, start + 0.01);
    gain.gain.setValueAtTime(tone.gain * 0.5, end - 0.02);
    gain.gain.linearRampToValueAtTime(0, end);
    oscillator.connect(gain).connect(this.out);
    oscillator.start(start);
    oscillator.stop(end);
  }
}
