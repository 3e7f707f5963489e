// The time bar: where moments stand on it, and how its range moves. Pure. µs.
import type { Span } from './recording';

export interface Range {
  readonly from: number;
  readonly to: number;
}

export const HOURS = [1, 6, 24] as const;
const HOUR_US = 3_600e6;

export const rangeEnding = (to: number, hours: number): Range => ({ from: to - hours * HOUR_US, to });
export const lengthOf = (r: Range): number => r.to - r.from;
export const shifted = (r: Range, share: number, newest: number): Range => {
  const to = Math.min(newest, r.to + lengthOf(r) * share);
  return { from: to - lengthOf(r), to };
};
/** A moment in the middle of a range of the same length. */
export const around = (at: number, length: number, newest: number): Range => {
  const to = Math.min(newest, at + length / 2);
  return { from: to - length, to };
};

/** Per cent from the left. */
export const placeOf = (r: Range, at: number): number => Math.min(100, Math.max(0, ((at - r.from) / lengthOf(r)) * 100));
export const widthOf = (r: Range, s: Span): number => placeOf(r, s.t1) - placeOf(r, s.t0);
export const momentAt = (r: Range, share: number): number => Math.round(r.from + lengthOf(r) * share);

/** Marks on full steps of five minutes, half an hour, or two hours. */
export function marks(r: Range): number[] {
  const step = [300e6, 1_800e6, 7_200e6].find((s) => lengthOf(r) / s <= 14) ?? 7_200e6;
  const first = Math.ceil(r.from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((r.to - first) / step) + 1) }, (_, i) => first + i * step);
}
