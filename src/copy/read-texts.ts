import { type Cursor, readLength, readLong } from './cursor.ts';
import type { Encoding } from './encodings.ts';
import { doubleText, longText, readDouble, readExactDouble, readSingle } from './read-numbers.ts';
import { InvalidValueError, MalformedBlockError } from './row-error.ts';
import { intervalText, moneyText } from './write-parsed.ts';

/** Reads one value from the block as text. */
export type ReadText = (c: Cursor) => string;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readAnyText(c: Cursor): string {
  const length = readLength(c);
  const bytes = c.bytes.subarray(c.pos, c.pos + length);
  c.pos += length;
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new MalformedBlockError('a string is not UTF-8');
  }
}

/** The server names no column for a NUL in COPY text, so it is refused here. */
function readText(c: Cursor): string {
  const text = readAnyText(c);
  if (text.includes('\0')) throw new InvalidValueError('text cannot hold a NUL character', text);
  return text;
}

/** NAMEDATALEN - 1: namein would cut what is longer. */
const NAME_BYTES = 63;

function readName(c: Cursor): string {
  const text = readText(c);
  if (Buffer.byteLength(text) <= NAME_BYTES) return text;
  throw new InvalidValueError(`a name has at most ${NAME_BYTES} bytes`, text);
}

function readHex(c: Cursor): string {
  const length = readLength(c);
  const text = Buffer.from(c.bytes.buffer, c.bytes.byteOffset + c.pos, length).toString('hex');
  c.pos += length;
  return text;
}

function readLongText(c: Cursor): string {
  readLong(c);
  return longText(c);
}

const readDoubleText: ReadText = (c) => doubleText(readDouble(c));

/** All digits of a whole number: JavaScript's own text ends in zeros that are not there. */
function readWholeText(c: Cursor): string {
  const value = readDouble(c);
  return Number.isInteger(value) ? String(BigInt(value)) : doubleText(value);
}

/**
 * Values in the input syntax of their types. Longs that stand for dates and times do not come here:
 * those columns travel as strings.
 */
export const TEXT_READERS: Readonly<Record<Encoding, ReadText>> = {
  int8: readLongText,
  int4: readLongText,
  int2: readLongText,
  longAsFloat8: (c) => doubleText(readExactDouble(c, (x) => x)),
  longAsFloat4: (c) => doubleText(readExactDouble(c, Math.fround)),
  float8: readDoubleText,
  // The server would round the decimal text, which can be another single than the double's own.
  float4: (c) => doubleText(readSingle(c)),
  doubleAsInt8: readWholeText,
  doubleAsInt4: readWholeText,
  doubleAsInt2: readWholeText,
  doubleAsNumeric: readDoubleText,
  doubleAsText: readDoubleText,
  bool: (c) => (c.bytes[c.pos++] === 0 ? 'f' : 't'),
  text: readText,
  name: readName,
  jsonb: readText,
  numeric: readText,
  uuid: readText,
  bytea: (c) => `\\x${readHex(c)}`,
  bytesAsUuid: readHex,
  interval: intervalText,
  money: moneyText,
};

/** The same without a look at what the target can hold. */
export const UNCHECKED_TEXT_READERS: typeof TEXT_READERS = {
  ...TEXT_READERS,
  longAsFloat8: readLongText,
  longAsFloat4: readLongText,
  float4: readDoubleText,
  text: readAnyText,
  name: readAnyText,
  jsonb: readAnyText,
  numeric: readAnyText,
  uuid: readAnyText,
  interval: readAnyText,
  money: readAnyText,
};
