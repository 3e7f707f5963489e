// What a notice of the measuring system says, in the person's language.
import type { NoticeFrame } from '../api/types';
import { DICTIONARIES, fill, type Key, language, t, word } from '../i18n';
import { age } from '../i18n/time';
import { enterpriseName } from './site';

type Values = Record<string, string | number>;

const plain = (body: NoticeFrame['notice']): Values =>
  Object.fromEntries(Object.entries(body).map(([k, v]) => [k, typeof v === 'number' ? v : String(v ?? '')]));

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

function keyAndValues({ notice }: NoticeFrame): [string, Values] {
  const values = plain(notice);
  switch (notice.kind) {
    case 'flood':
      return [notice.on === true ? 'notice.flood_on' : 'notice.flood_off', values];
    case 'link':
      return [notice.up === true ? 'notice.link_up' : 'notice.link_down', { scope: scopeText(String(notice.scope ?? '')), reason: word('link.reason', String(notice.reason ?? '')) }];
    case 'clock_step':
      return ['notice.clock_step', { ...values, by: (number(notice.by_us) / 1e6).toFixed(1) }];
    case 'restarted':
      return ['notice.restarted', { ...values, age: age(number(notice.up_at) - number(notice.down_at)) }];
    default:
      return [`notice.${notice.kind}`, values];
  }
}

/** `enterprise/gateway`, `broker/name` or `journal`, in words. */
function scopeText(scope: string): string {
  const [head = '', ...rest] = scope.split('/');
  if (head === 'journal' || head === 'broker') return [word('link.scope', head), ...rest].join(' ');
  return [enterpriseName(head), ...rest].join(' ');
}

const has = (key: string): key is Key => key in DICTIONARIES.zh;

/** A kind that the dictionary lacks is shown as it came: never a blank line. */
export function noticeText(frame: NoticeFrame): string {
  const [key, values] = keyAndValues(frame);
  return has(key) ? fill(DICTIONARIES[language.value][key], values) : t('notice.other', { kind: JSON.stringify(frame.notice) });
}

/** Roles that the engine names in a note, in words: `shift_lead (overdue)`. */
export const noteText = (note: string): string =>
  note.replace(/^([a-z_]+)( \(overdue\))?$/, (whole, role: string, late: string | undefined) => {
    const name = word('role', role);
    return name === role ? whole : `${name}${late ? t('note.overdue') : ''}`;
  });
