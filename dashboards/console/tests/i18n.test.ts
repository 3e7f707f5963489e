import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALARM_STATES, LEVELS } from '../src/hall/state';
import { DICTIONARIES, fill, half, type Key } from '../src/i18n';
import { age, figure, timer } from '../src/i18n/time';

const keys = Object.keys(DICTIONARIES.zh) as Key[];
const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '').sort();

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((e) => {
    const path = join(folder, e.name);
    if (e.isDirectory()) return sources(path);
    return /\.(ts|vue)$/.test(e.name) && !/^(zh|en)(-work|-duty|-admin)?\.ts$/.test(e.name) ? [readFileSync(path, 'utf8')] : [];
  });
}
const code = sources(join(import.meta.dirname, '../src')).join('\n');

describe('dictionaries', () => {
  it('have the same keys', () => expect(Object.keys(DICTIONARIES.en).sort()).toEqual([...keys].sort()));
  it('leave nothing empty', () => {
    for (const d of Object.values(DICTIONARIES)) for (const [key, text] of Object.entries(d)) expect(text.trim(), key).not.toBe('');
  });
  it('fill in the same names', () => {
    for (const key of keys) expect(names(DICTIONARIES.en[key]), key).toEqual(names(DICTIONARIES.zh[key]));
  });
  it('Chinese is Chinese and English has none', () => {
    for (const key of keys) expect(/[\u4e00-\u9fff]/.test(DICTIONARIES.en[key]), key).toBe(false);
  });
});

describe('code', () => {
  it('asks for no key that is missing', () => {
    const asked = [...code.matchAll(/\bt\(\s*'([\w.]+)'/g)].map((m) => m[1] ?? '');
    expect(asked.length).toBeGreaterThan(100);
    expect(asked.filter((k) => !(k in DICTIONARIES.zh))).toEqual([]);
  });
  it('uses every key: by name, or by a prefix it builds', () => {
    const prefixes = [...code.matchAll(/`([\w.]+\.)\$\{/g), ...code.matchAll(/word\('([\w.]+)'/g)].map((m) => (m[1] ?? '').replace(/\.?$/, '.'));
    const unused = keys.filter((k) => !code.includes(`'${k}'`) && !prefixes.some((p) => k.startsWith(p)));
    expect(unused).toEqual([]);
  });
  it('has words for every state and level', () => {
    for (const s of ALARM_STATES) expect(keys).toContain(`state.${s}`);
    for (const l of LEVELS) for (const p of ['level', 'level.numeral', 'level.colour']) expect(keys).toContain(`${p}.${l}`);
  });
  it('no text of its own in the templates', () => {
    const bare = sources(join(import.meta.dirname, '../src')).flatMap((file) => {
      const template = (/<template>[\s\S]*<\/template>/.exec(file)?.[0] ?? '').replaceAll('中文', '');
      return [...template.matchAll(/[\u4e00-\u9fff]+/g)].map((m) => m[0]);
    });
    expect(bare.filter((x) => x !== '、')).toEqual([]);
  });
});

describe('figures for people', () => {
  it.each([[0, '0'], [63.2, '63.2'], [1.43, '1.43'], [0.0042, '0.00420'], [128.04, '128.0'], [10432.4, '10432'], [-3.5, '-3.5'], [NaN, '—']])('%d', (n, text) => expect(figure(n)).toBe(text));
  it.each([[0, '00:00'], [200e6, '03:20'], [3723e6, '1:02:03'], [-5, '00:00']])('timer %d', (us, text) => expect(timer(us)).toBe(text));
  it.each([[800_000, '0.8 秒'], [42e6, '42 秒'], [200e6, '3 分 20 秒'], [7500e6, '2 时 5 分'], [-1, '0.0 秒']])('age %d', (us, text) => expect(age(us)).toBe(text));
  it.each([['接班人员提前到岗 / the relief arrives', '接班人员提前到岗'], ['第 3 条', '第 3 条'], ['a / b', 'a / b'], ['甲 / 乙', '甲 / 乙']])('%s in Chinese: %s', (line, text) => expect(half(line)).toBe(text));
  it('fills in what it has and leaves the rest visible', () => expect(fill('{a} {b}', { a: 1 })).toBe('1 {b}'));
});
