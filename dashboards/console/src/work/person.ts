// Finding a person: by any part of a name, an account or a telephone.
export interface Choosable {
  /** What is sent. */
  readonly id: string;
  readonly name: string;
  /** Beside the name: role or kind, telephone. */
  readonly side: string;
}

/** More rows than a person reads; typing narrows. */
export const SHOWN_MAX = 40;

export function found(all: readonly Choosable[], text: string): Choosable[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((c) => words.every((w) => `${c.id} ${c.name} ${c.side}`.toLowerCase().includes(w)));
}

/** Whom a text names without doubt: an id, or a name that only one bears. */
export function named(all: readonly Choosable[], text: string): Choosable | undefined {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return undefined;
  const byName = all.filter((c) => c.name.toLowerCase() === wanted);
  return all.find((c) => c.id.toLowerCase() === wanted) ?? (byName.length === 1 ? byName[0] : undefined);
}

/** What a form sends for a text: somebody known, else the text itself where anybody may be named. */
export const chosenBy = (all: readonly Choosable[], text: string, known: boolean): string => named(all, text)?.id ?? (known ? '' : text.trim());
