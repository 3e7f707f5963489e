// Who is sent first and with which words, by what the alarm is about.
import type { Alarm } from '../api/types';
import type { Party } from '../api/work';

export const TEMPLATES = ['gas', 'toxic', 'fire', 'dust', 'process', 'diagnostic', 'other'] as const;
export type Template = (typeof TEMPLATES)[number];

const TOXIC = /nh3|氨|cl2|氯|h2s|硫化氢|co\b|一氧化碳|toxic/i;
const DUST = /dust|粉尘/i;

/** The hazard decides the words; a class this console does not know gets the plain ones. */
export function templateOf(alarm: Pick<Alarm, 'class' | 'tag' | 'message_zh'>): Template {
  const text = `${alarm.tag} ${alarm.message_zh}`;
  if (DUST.test(text)) return 'dust';
  if (alarm.class === 'gas') return TOXIC.test(text) ? 'toxic' : 'gas';
  if (alarm.class === 'fire') return 'fire';
  if (alarm.class === 'process') return 'process';
  return ['comms', 'camera', 'tamper', 'sensor_fault', 'diagnostic'].includes(alarm.class) ? 'diagnostic' : 'other';
}

/** Teams before units before persons: a team can go. */
const KIND_ORDER: readonly string[] = ['team', 'unit', 'town', 'person', 'enterprise'];
const rank = (p: Party): number => {
  const at = KIND_ORDER.indexOf(p.kind);
  return at < 0 ? KIND_ORDER.length : at;
};

/** Those that can be sent, most fitting first; diagnostics go to the enterprise that owns the device. */
export function nearestFirst(parties: readonly Party[], alarm: Pick<Alarm, 'class' | 'tag' | 'message_zh' | 'enterprise'> | null): Party[] {
  const own = (p: Party): boolean => p.kind === 'enterprise' && p.id === alarm?.enterprise;
  const diagnostic = alarm !== null && templateOf(alarm) === 'diagnostic';
  return parties.toSorted((a, b) => (diagnostic ? Number(own(b)) - Number(own(a)) : 0) || rank(a) - rank(b));
}
