/** Bytes of a log line at most: what agents and collectors are sure to take in one piece. */
export const MAX_LINE_BYTES = 32_000;

/**
 * A JSON line of at most MAX_LINE_BYTES: where it is longer, long texts lose their middle and long lists
 * their end, and say how much.
 */
export function fitLine(line: string): string {
  if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return line;
  const entry: unknown = JSON.parse(line);
  for (let characters = 8192; ; characters /= 2) {
    const shorter = `${JSON.stringify(shorten(entry, characters))}\n`;
    if (Buffer.byteLength(shorter) <= MAX_LINE_BYTES) return shorter;
  }
}

function shorten(value: unknown, characters: number): unknown {
  if (typeof value === 'string') return withoutMiddle(value, characters);
  if (Array.isArray(value)) {
    const items = value.slice(0, characters / 64).map((item) => shorten(item, characters));
    const left = value.length - items.length;
    return left === 0 ? items : [...items, `... and ${left} more`];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, shorten(item, characters)]),
  );
}

/** The end stays as well: there an error says what to do. */
function withoutMiddle(text: string, characters: number): string {
  const left = text.length - characters;
  if (left <= 0) return text;
  const half = characters / 2;
  return `${text.slice(0, half)} ... (${left} characters) ... ${text.slice(-half)}`;
}
