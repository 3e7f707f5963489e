// Times for people: 24 h, in the hall's zone; ages short. Everything on the wire is µs UTC.
import { t } from '.';

/** The hall's zone; the offset is shown beside the clock. */
export const ZONE = 'Asia/Shanghai';

const clock = new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' });
const offset = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, timeZoneName: 'longOffset' });

export const clockTime = (us: number): string => clock.format(us / 1000);
export const dayOf = (us: number): string => day.format(us / 1000);

/** `+08:00` at that instant. */
export const zoneOffset = (us: number): string =>
  offset.formatToParts(us / 1000).find((p) => p.type === 'timeZoneName')?.value.replace('GMT', 'UTC') ?? 'UTC';

export const fullTime = (us: number): string => `${dayOf(us)} ${clockTime(us)} ${zoneOffset(us)}`;
/** The day only where it is not today's, the year only where it is not this one. */
export function shortTime(us: number, nowUs: number): string {
  const [day, today] = [dayOf(us), dayOf(nowUs)];
  if (day === today) return clockTime(us);
  return `${day.slice(0, 4) === today.slice(0, 4) ? day.slice(5) : day} ${clockTime(us)}`;
}

/** `4.2 秒`, `3 分 20 秒`, `2 时 5 分`: two units at most; never negative. */
export function age(us: number): string {
  const s = Math.max(0, us) / 1e6;
  if (s < 10) return t('time.s', { n: s.toFixed(1) });
  if (s < 60) return t('time.s', { n: Math.floor(s) });
  if (s < 3600) return `${t('time.m', { n: Math.floor(s / 60) })} ${t('time.s', { n: Math.floor(s % 60) })}`;
  if (s < 86_400) return `${t('time.h', { n: Math.floor(s / 3600) })} ${t('time.m', { n: Math.floor((s % 3600) / 60) })}`;
  return `${t('time.d', { n: Math.floor(s / 86_400) })} ${t('time.h', { n: Math.floor((s % 86_400) / 3600) })}`;
}

/** `03:20`, `1:02:03`: for columns. */
export function timer(us: number): string {
  const s = Math.floor(Math.max(0, us) / 1e6);
  const two = (n: number): string => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  return `${hours > 0 ? `${hours}:` : ''}${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}

/** Four significant digits, no exponent for the sizes sensors have. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '—';
  const size = Math.abs(value);
  if (size >= 1000) return value.toFixed(0);
  if (size >= 100) return value.toFixed(1);
  if (size >= 0.01 || size === 0) return String(Number(value.toFixed(2)));
  return value.toPrecision(3);
}
