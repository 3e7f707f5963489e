// A drill's script as people type it, a step a line: `05:30 plant-a/nh3.1=60 泄漏加大`; without a time it is a cue to read.
import type { Json } from '../api/work';

const STEP = /^(\d{1,4}):([0-5]\d)\s+(?:(\S+\/\S+)=(-?\d+(?:\.\d+)?)(?:\s+|$))?(.*)$/;

/** Minutes and seconds after the beginning, a tag with the value to inject, words. */
export function stepOfLine(line: string): Json {
  const [, minutes, seconds, tag, value, text = ''] = STEP.exec(line.trim()) ?? [];
  if (minutes === undefined || seconds === undefined) return line.trim();
  const step: Record<string, Json> = { at_s: Number(minutes) * 60 + Number(seconds) };
  if (tag !== undefined) Object.assign(step, { tag, value: Number(value) });
  return text === '' ? step : { ...step, text };
}

export function lineOfStep(step: Json): string {
  if (typeof step !== 'object' || step === null || Array.isArray(step)) return String(step ?? '');
  const at = Number(step.at_s ?? 0);
  const time = `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(Math.floor(at % 60)).padStart(2, '0')}`;
  return [time, step.tag === undefined ? '' : `${String(step.tag)}=${String(step.value)}`, String(step.text ?? '')].filter(Boolean).join(' ');
}
