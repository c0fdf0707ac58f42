import { printable } from '../printable.ts';

/** Masks what must not be seen, wherever it turns up. */
export interface Secrets {
  hide(secret: string): void;
  /** `text` without any of the secrets. */
  mask(text: string): string;
  /** `value` with every string in it masked; arrays and plain objects are copied. */
  maskAll(value: unknown): unknown;
}

const MASK = '***';

/**
 * A secret shorter than this is masked only where it stands alone: otherwise the password `a`
 * would make every message unreadable.
 */
const SHORT_LENGTH = 6;

/** Secrets are masked as they are and percent-encoded, as they may stand in a connection URI. */
export function newSecrets(): Secrets {
  const patterns: RegExp[] = [];

  function hide(secret: string): void {
    if (secret === '') return;
    for (const form of new Set([secret, printable(secret)])) patterns.push(patternOf(form));
    // The longest first, so that no rest of a secret is left beside the mask of a shorter one.
    patterns.sort((one, other) => other.source.length - one.source.length);
  }

  function mask(text: string): string {
    return patterns.reduce((masked, pattern) => masked.replaceAll(pattern, MASK), text);
  }

  function maskAll(value: unknown): unknown {
    if (typeof value === 'string') return mask(value);
    if (Array.isArray(value)) return value.map(maskAll);
    if (typeof value !== 'object' || value === null) return value;
    if (Object.getPrototypeOf(value) !== Object.prototype) return mask(String(value));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskAll(item)]));
  }

  return { hide, mask, maskAll };
}

function patternOf(secret: string): RegExp {
  const exact = Array.from(secret, eitherWay).join('');
  const alone = `(?<![\\p{L}\\p{N}_])${exact}(?![\\p{L}\\p{N}_])`;
  return new RegExp(secret.length < SHORT_LENGTH ? alone : exact, 'gu');
}

/** A pattern for one character: as it is, or percent-encoded, which a URI may do with any. */
function eitherWay(character: string): string {
  const hex = Buffer.from(character).toString('hex');
  const encoded = hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const bytes = encoded.match(/(?:\d|\[\w\w\]){2}/g) ?? [];
  return `(?:${asPattern(character)}|${bytes.map((byte) => `%${byte}`).join('')})`;
}

function asPattern(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
