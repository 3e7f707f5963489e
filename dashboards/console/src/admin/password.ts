// A password that can be read out over the telephone: no letters that look like others, in groups of four.

/** As the server wants it. */
export const PASSWORD_MIN = 8;
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP = 4;

/** 16 letters of 31: 79 bits. */
export function newPassword(): string {
  const letters = Array.from({ length: GROUPS * GROUP }, letter).join('');
  return letters.match(/.{4}/g)?.join('-') ?? letters;
}

/** Bytes beyond the last whole round of the alphabet are thrown away: every letter is equally likely. */
function letter(): string {
  const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
  return byte < 256 - (256 % LETTERS.length) ? LETTERS.charAt(byte % LETTERS.length) : letter();
}
