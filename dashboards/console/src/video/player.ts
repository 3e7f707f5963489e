// What every player has in common: it takes packets and says when which picture was shown.
import type { Packet } from './packet';

export interface PlayerHooks {
  /** A picture is on the screen: when the server received it, and when it was shown, both ms since the epoch. */
  presented(receivedMs: number, shownMs: number): void;
  /** It fell behind and jumped to the live edge. */
  jumped(): void;
  /** It cannot go on; a new player may. */
  failed(cause: string): void;
}

export interface Player {
  /** `codec` as browsers name it. */
  take(packet: Packet, codec: string): void;
  /** `keep`: another player takes over the same element. */
  close(keep?: boolean): void;
}
