// In which form a tile gets its pictures. Pure.

export type Mode = 'mse' | 'raw' | 'jpeg';
export type Stream = 'main' | 'sub';
/** What a person asked for; `auto` decides by the page. */
export type Preference = 'auto' | Mode;

/** More tiles than this get single pictures. */
export const MOVING_MAX = 16;
/** Decoding by WebCodecs is drawn by the page itself: for few pictures. */
const CODECS_MAX = 4;
/** A tile at least so wide, in device pixels, gets the main stream. */
const MAIN_WIDTH = 720;

export interface Ability {
  /** Media Source Extensions, and WebCodecs, which only a secure context has. */
  readonly mse: boolean;
  readonly codecs: boolean;
}

export function chooseMode(preference: Preference, tiles: number, can: Ability): Mode {
  if (preference === 'raw' && can.codecs) return 'raw';
  if (preference === 'jpeg' || tiles > MOVING_MAX) return 'jpeg';
  if (preference === 'auto' && can.codecs && tiles <= CODECS_MAX) return 'raw';
  if (can.mse) return 'mse';
  return can.codecs ? 'raw' : 'jpeg';
}

/** The stream for a tile; `now` stays while the tile is near the limit, so that a splitter does not make it flicker. */
export function chooseStream(width: number, now: Stream | null): Stream {
  const limit = now === 'main' ? MAIN_WIDTH * 0.9 : MAIN_WIDTH;
  return width >= limit ? 'main' : 'sub';
}

/** What to try when this browser does not know the codec: the other stream, then single pictures. */
export function fallBack(stream: Stream, mode: Mode, triedSub: boolean): { stream: Stream; mode: Mode } | null {
  if (mode === 'jpeg') return null;
  if (stream === 'main' && !triedSub) return { stream: 'sub', mode };
  return { stream, mode: 'jpeg' };
}

export const ability = (): Ability => ({
  mse: typeof MediaSource === 'function',
  codecs: typeof VideoDecoder === 'function',
});

/** Whether this browser can show a codec in this form. */
export async function canShow(codec: string, mode: Mode): Promise<boolean> {
  if (mode === 'jpeg' || codec === '') return true;
  if (mode === 'mse') return MediaSource.isTypeSupported(`video/mp4; codecs="${codec}"`);
  return VideoDecoder.isConfigSupported({ codec }).then((answer) => answer.supported === true, () => false);
}
