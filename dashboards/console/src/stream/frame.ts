// Text of one WebSocket message -> one typed frame, or the reason why not. Unknown types are counted, never thrown.
import type { Frame } from '../api/types';

export type Parsed = { ok: true; frame: Frame } | { ok: false; reason: 'not_json' | 'unknown_type'; text: string };

const TYPES: ReadonlySet<string> = new Set<Frame['type']>([
  'hello', 'alarm', 'order', 'work', 'exercise', 'notice', 'heartbeat', 'readings', 'snapshot_required', 'error',
]);

const typeOf = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  return typeof value.type === 'string' ? value.type : undefined;
};

export function parseFrame(text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'not_json', text };
  }
  if (!TYPES.has(typeOf(value) ?? '')) return { ok: false, reason: 'unknown_type', text };
  // The shape behind a known type is the server's promise (golden files of the protocol room); it is not re-checked per frame.
  return { ok: true, frame: value as Frame };
}
