/** Names in a sentence at most: one warning serves for all columns of a kind, however many. */
const SHOWN = 10;

/** `a`, `a and b`, `a, b, ... and 590 more`. */
export function columnList(names: readonly string[]): string {
  if (names.length <= 2) return names.join(' and ');
  const left = names.length - SHOWN;
  if (left > 0) return `${names.slice(0, SHOWN).join(', ')} and ${left} more`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
