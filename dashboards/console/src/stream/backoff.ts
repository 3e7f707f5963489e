// How long to wait before the next connection. Full speed first, because "resync within 3 s after return" is a promise.

/** Longest wait, ms: with the connect itself it must stay under 3 s. */
export const BACKOFF_MAX_MS = 1_500;
const BACKOFF_FIRST_MS = 150;

/** Wait before attempt `attempt` (0 = first); `random` in [0, 1) spreads the consoles of a hall. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling * (0.5 + random / 2));
}
