// A file's name as the server takes it: no path, no dot in front, no control character, at most 120 characters. What it shows is up to its bytes.

const NAME_MAX = 120;

export function safeName(name: string): string {
  const plain = name.replace(/[\p{Cc}/\\:]/gu, '_').replace(/\.{2,}/g, '.').replace(/^[.\s]+/, '').trim();
  const at = plain.lastIndexOf('.');
  const ending = at > 0 ? plain.slice(at).slice(0, 10) : '';
  const stem = at > 0 ? plain.slice(0, at) : plain;
  return `${stem.slice(0, NAME_MAX - ending.length) || 'file'}${ending}`;
}
