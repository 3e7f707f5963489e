import { describe, expect, it } from 'vitest';
import { LEVELS } from '../src/hall/state';
import { PALETTES, type Palette, type Theme } from '../src/palette/palette';

type Rgb = [number, number, number];

const rgb = (hex: string): Rgb => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255) as Rgb;
const linear = (c: number): number => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const gamma = (c: number): number => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055);
const times = (m: readonly number[], [r, g, b]: Rgb): Rgb =>
  [0, 3, 6].map((i) => (m[i] ?? 0) * r + (m[i + 1] ?? 0) * g + (m[i + 2] ?? 0) * b) as Rgb;

/** WCAG 2.2 relative luminance. */
const luminance = (hex: string): number => {
  const [r, g, b] = rgb(hex).map(linear) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string): number => {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};

/** Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB. */
const SIGHT: Readonly<Record<string, readonly number[]>> = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
const seen = (hex: string, sight: string): Rgb => times(SIGHT[sight] ?? [], rgb(hex).map(linear) as Rgb).map((c) => Math.min(1, Math.max(0, c))) as Rgb;

/** CIE Lab, D65. */
function lab(rgbLinear: Rgb): Rgb {
  const [x, y, z] = times([0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.072175, 0.0193339, 0.119192, 0.9503041], rgbLinear);
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}
const distance = (a: string, b: string, sight: string): number => {
  const [p, q] = [lab(seen(a, sight)), lab(seen(b, sight))];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
};

const themes = Object.entries(PALETTES) as [Theme, Palette][];

describe.each(themes)('%s', (_, p) => {
  const grounds = ['field', 'panel', 'raised', 'selected'] as const;
  it.each(grounds)('text is at least 4.5:1 on %s', (ground) => expect(contrast(p.text, p[ground])).toBeGreaterThanOrEqual(4.5));
  it.each(['field', 'panel', 'raised'] as const)('muted text is at least 4.5:1 on %s', (ground) => expect(contrast(p.muted, p[ground])).toBeGreaterThanOrEqual(4.5));
  it('the primary button reads', () => expect(contrast(p.accent, p.accentInk)).toBeGreaterThanOrEqual(4.5));
  it.each(['field', 'panel', 'raised'] as const)('edges and focus stand out 3:1 from %s', (ground) => {
    expect(contrast(p.edge, p[ground])).toBeGreaterThanOrEqual(3);
    expect(contrast(p.focus, p[ground])).toBeGreaterThanOrEqual(3);
  });
  it.each(LEVELS)('the chip of level %i carries readable text', (level) => {
    const { fill = '', ink = '' } = p.levels[level] ?? {};
    expect(contrast(fill, ink)).toBeGreaterThanOrEqual(4.5);
    expect(['#000000', '#ffffff']).toContain(ink);
  });
  it.each(Object.keys(SIGHT))('levels differ by ΔE 15 or more: %s sight', (sight) => {
    const colours = [...LEVELS.slice(0, 4).map((l) => p.levels[l]?.fill ?? ''), p.normal];
    colours.forEach((a, i) => colours.slice(i + 1).forEach((b) => expect(distance(a, b, sight), `${a} ${b}`).toBeGreaterThanOrEqual(15)));
  });
});

it('on dark, level glyphs stand out 3:1; on light they carry a dark outline instead', () => {
  for (const level of LEVELS) expect(contrast(PALETTES.dark.levels[level]?.fill ?? '', PALETTES.dark.panel)).toBeGreaterThanOrEqual(3);
});

it('gamma and linear are inverse (the measure itself is right)', () => {
  for (const c of [0, 0.02, 0.5, 1]) expect(gamma(linear(c))).toBeCloseTo(c, 6);
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
});
