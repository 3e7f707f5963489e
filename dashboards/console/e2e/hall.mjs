// A real server in a folder of its own: started, killed, started again on the same ports and data. FENGHUO_BIN names the program.
import { spawn } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.mjs';

const BIN = process.env.FENGHUO_BIN;
/** How long a cold start may take on a busy machine, ms. */
const START_MAX_MS = 30_000;

const SETTINGS = `data_dir = "data"
sites_dir = "sites"
rules_dir = "rules"
plans_dir = "${join(import.meta.dirname, '../../../config/plans')}"
[http]
listen = "127.0.0.1:0"
desk = "e2e"
[mqtt]
listen = "127.0.0.1:0"
[[account]]
account = "duty"
name = "值班员 李敏"
role = "duty_officer"
[[account]]
account = "lead"
name = "值班长 王强"
role = "shift_lead"
[[account]]
account = "admin"
name = "管理员 赵宁"
role = "administrator"
` + ['commander', 'commander2', 'duty2', 'duty3'].map((account) => `[[account]]
account = "${account}"
name = "${account}"
role = "${account.startsWith('commander') ? 'commander' : 'duty_officer'}"
`).join('');

/** Parties, roster and the shipped plan cards; the plan's roles are these teams. */
const PARTIES = `hall = "hq"
[roles]
coordination = "hq"
fire = "brigade-1"
rescue = "brigade-1"
medical = "brigade-2"
police = "hq"
monitoring = "hq"
experts = "hq"
media = "hq"
logistics = "hq"
` + [['hq', 'unit', '区应急指挥部', ''], ['brigade-1', 'team', '消防救援一站', 'hq'], ['brigade-2', 'team', '消防救援二站', 'hq'], ['plant-a', 'enterprise', '甲厂', 'hq'], ['plant-b', 'enterprise', '乙厂', 'hq'], ['plant-c', 'enterprise', '丙厂', 'hq']]
  .map(([id, kind, zh, superior]) => `[[party]]
id = "${id}"
kind = "${kind}"
name_zh = "${zh}"
name_en = "${id}"
telephone = "119"
${superior ? `superior = "${superior}"` : ''}
`).join('');

const ROSTER = `utc_offset_s = 28800
[[shift]]
name_zh = "白班"
name_en = "Day"
starts_at_s = 28800
length_s = 43200
[[shift]]
name_zh = "夜班"
name_en = "Night"
starts_at_s = 72000
length_s = 43200
[[crew]]
leader = "commander"
main = "lead"
deputies = ["duty2"]
standby = []
[[crew]]
leader = "commander2"
main = "duty"
deputies = ["duty3"]
standby = []
`;

const enterprise = (id, zh, en) => `[enterprise]
id = "${id}"
name_zh = "${zh}"
name_en = "${en}"
kind = "chemical"
address = "测试路 1 号"
contact = "中控室 0571-5550111"
[[unit]]
id = "u-1"
name_zh = "一号罐区"
name_en = "Tank farm 1"
`;

const tags = (name, repeat, priority) => `[[tag]]
repeat = ${repeat}
tag = "${name}.{n}"
unit_id = "u-1"
description_zh = "${name} {n} 号"
description_en = "${name} {n}"
unit = "ppm"
class = "gas"
span = [0, 100]
limits = { h = 50 }
priority = { h = ${priority} }
on_delay_s = 0
off_delay_s = 0
`;

/** 200 tags of priority Ⅱ and Ⅲ, 250 that only make load, 2,000 of priority Ⅳ for the flood. */
const SITES = {
  'plant-a': enterprise('plant-a', '甲厂', 'Plant A') + tags('two', 200, 2) + tags('three', 20, 3) + tags('one', 5, 1),
  'plant-b': enterprise('plant-b', '乙厂', 'Plant B') + tags('load', 250, 4),
  'plant-c': enterprise('plant-c', '丙厂', 'Plant C') + tags('four-a', 1000, 4) + tags('four-b', 1000, 4),
};

const clock = ([key, seconds]) => `[[value]]
key = "${key}"
value = ${seconds}
unit = "s"
confidence = "G"
source = "e2e"
note = "short, so that a test need not wait"
`;

async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

export class Hall {
  /** Makes the folder and starts the program on it; `demo`: with the demo's own sites, plants and cameras; `profile` replaces shipped clocks, seconds by key. */
  static async start({ profile = {}, demo = false } = {}) {
    if (!BIN) throw new Error('FENGHUO_BIN must name the fenghuo program, e.g. FENGHUO_BIN=../../target/release/fenghuo npm run e2e');
    const hall = new Hall();
    hall.folder = await mkdtemp(join(tmpdir(), 'fenghuo-e2e-'));
    await Promise.all(['sites', 'rules', 'profiles'].map((name) => mkdir(join(hall.folder, name))));
    const files = { 'fenghuo.toml': SETTINGS, 'parties.toml': PARTIES, 'roster.toml': ROSTER, 'profiles/e2e.toml': Object.entries(profile).map(clock).join('') };
    for (const [name, text] of Object.entries(files)) await writeFile(join(hall.folder, name), text);
    for (const [name, text] of Object.entries(SITES)) await writeFile(join(hall.folder, 'sites', `${name}.toml`), text);
    hall.demo = demo;
    hall.ports = [await freePort(), await freePort()];
    await hall.run();
    return hall;
  }

  /** Starts the program and waits until its door answers. */
  async run() {
    const file = join(this.folder, 'access.json');
    await rm(file, { force: true });
    const [http, mqtt] = this.ports.map((port) => `127.0.0.1:${port}`);
    const own = this.demo ? [] : ['--no-sim', '--config', join(this.folder, 'fenghuo.toml')];
    const args = ['demo', ...own, '--http', http, '--mqtt', mqtt, '--data', join(this.folder, 'data'), '--access-file', file];
    this.log = '';
    this.process = spawn(BIN, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => (this.log = (this.log + text).slice(-8_000)));
    this.access = await until(() => this.ready(file), START_MAX_MS, () => `the program did not start:\n${this.log}`);
  }

  async ready(file) {
    if (this.process.exitCode !== null) throw new Error(`the program ended with ${this.process.exitCode}:\n${this.log}`);
    const text = await readFile(file, 'utf8').catch(() => '');
    if (!text.trim().endsWith('}')) return undefined;
    const access = JSON.parse(text);
    const answer = await fetch(new URL('/healthz', access.console_url)).catch(() => undefined);
    return answer?.ok ? access : undefined;
  }

  /** kill -9: nothing is flushed, nobody is told. */
  async kill() {
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.kill('SIGKILL');
    await ended;
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  get origin() {
    return new URL(this.access.console_url).origin;
  }

  /** GET with the machine token. */
  async get(path) {
    const answer = await fetch(new URL(path, this.origin), { headers: { authorization: `Bearer ${this.access.token}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
