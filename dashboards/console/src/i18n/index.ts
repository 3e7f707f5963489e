// A small typed dictionary: a missing key is a compile error, so no library is needed at run time.
import { ref } from 'vue';
import { en } from './en';
import { zh } from './zh';

export type Key = keyof typeof zh;
export type Language = 'zh' | 'en';

export const DICTIONARIES: Readonly<Record<Language, Readonly<Record<Key, string>>>> = { zh, en };
export const language = ref<Language>('zh');

export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return fill(DICTIONARIES[language.value][key], values);
}

const isKey = (key: string): key is Key => key in zh;

/** For words that come from the server: its own word is shown if the dictionary lacks it, never a blank. */
export function word(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return isKey(key) ? t(key) : name;
}

/** The one of two server texts that fits the language; the other if that is empty. */
export const pick = (chinese: string, english: string): string =>
  language.value === 'zh' ? chinese || english : english || chinese;

/** A line of a settings file that says it in both languages, `中文 / English`: the half that fits; any other line as it is. */
export function half(line: string): string {
  const at = line.indexOf(' / ');
  const isPair = at > 0 && /[\u4e00-\u9fff]/.test(line.slice(0, at)) && !/[\u4e00-\u9fff]/.test(line.slice(at));
  return isPair ? pick(line.slice(0, at), line.slice(at + 3)) : line;
}

/** Words of contacts that have an English form; names of people stay as they are. */
const CONTACT_WORDS: readonly (readonly [string, string])[] = [
  ['中控室', 'control room '], ['消防控制室', 'fire control room '], ['值班室', 'duty room '], ['调度室', 'dispatch room '], ['值班电话', 'duty telephone '], ['安全部', 'safety department '],
];

/** A contact line of a site file in the person's language, as far as its words are known. */
export function contactText(contact: string, chosen: Language): string {
  if (chosen === 'zh') return contact;
  return CONTACT_WORDS.toSorted((a, b) => b[0].length - a[0].length).reduce((text, [chinese, english]) => text.replace(chinese, english), contact).replace(/ {2,}/g, ' ').trim();
}
