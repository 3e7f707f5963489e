// First-load budget (console.md G5): what index.html pulls in by itself, gzipped. Run after `npm run build`.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const JS_MAX_KB = 170;
const CSS_MAX_KB = 25;
const LAZY_MAX_KB = 180;

const html = readFileSync('dist/index.html', 'utf8');
const kb = (path) => gzipSync(readFileSync(`dist/${path}`), { level: 9 }).length / 1024;
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1]);
const sum = (ext) => first.filter((p) => p.endsWith(ext)).reduce((n, p) => n + kb(p), 0);
const lazy = readdirSync('dist/assets').map((p) => `assets/${p}`).filter((p) => p.endsWith('.js') && !first.includes(p));

const rows = [
  ['first-load JS', sum('.js'), JS_MAX_KB],
  ['first-load CSS', sum('.css'), CSS_MAX_KB],
  ['largest lazy chunk', Math.max(...lazy.map(kb)), LAZY_MAX_KB],
];
for (const [name, size, max] of rows) console.log(`${name}: ${size.toFixed(1)} KB gzip, at most ${max}`);
if (rows.some(([, size, max]) => size > max)) process.exit(1);
