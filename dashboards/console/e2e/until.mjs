// Waits for a level, never for a time.

const LOOK_MS = 20;

/** Asks until the answer is neither undefined nor false; fails with what `otherwise` says. */
export async function until(ask, limitMs, otherwise) {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(typeof otherwise === 'function' ? await otherwise() : otherwise);
    await new Promise((again) => setTimeout(again, LOOK_MS));
  }
}

/** The value below which `share` of the list lies. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}
