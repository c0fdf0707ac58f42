import { type Cursor, readLong } from './cursor.ts';
import {
  doubleText,
  longText,
  readDouble,
  readExactDouble,
  readSingle,
  readWholeDouble,
} from './read-numbers.ts';
import { InvalidValueError } from './row-error.ts';
import { writeDecimal } from './write-decimal.ts';

const TWO_32 = 4_294_967_296;

export function writeInt8(c: Cursor): void {
  readLong(c);
  const { outView, at } = c;
  outView.setInt32(at, 8);
  outView.setInt32(at + 4, c.hi);
  outView.setInt32(at + 8, c.lo);
  c.at = at + 12;
}

export function writeInt4(c: Cursor): void {
  readLong(c);
  if (c.hi !== c.lo >> 31) throw new InvalidValueError('integer out of range', longText(c));
  putInt4(c, c.lo);
}

export function writeInt2(c: Cursor): void {
  readLong(c);
  if (c.hi !== c.lo >> 31 || (c.lo << 16) >> 16 !== c.lo) {
    throw new InvalidValueError('smallint out of range', longText(c));
  }
  putInt2(c, c.lo);
}

export function writeFloat8(c: Cursor): void {
  const { view, pos, outView, at } = c;
  outView.setInt32(at, 8);
  outView.setInt32(at + 4, view.getInt32(pos + 4, true));
  outView.setInt32(at + 8, view.getInt32(pos, true));
  c.pos = pos + 8;
  c.at = at + 12;
}

export function writeFloat4(c: Cursor): void {
  putFloat4(c, readSingle(c));
}

export function writeDoubleAsInt8(c: Cursor): void {
  const value = readWholeDouble(c, 'bigint', -(2 ** 63), 2 ** 63);
  const hi = Math.floor(value / TWO_32);
  c.outView.setInt32(c.at, 8);
  c.outView.setInt32(c.at + 4, hi | 0);
  c.outView.setInt32(c.at + 8, (value - hi * TWO_32) | 0);
  c.at += 12;
}

export function writeDoubleAsInt4(c: Cursor): void {
  putInt4(c, readWholeDouble(c, 'integer', -(2 ** 31), 2 ** 31));
}

export function writeDoubleAsInt2(c: Cursor): void {
  putInt2(c, readWholeDouble(c, 'smallint', -(2 ** 15), 2 ** 15));
}

export function writeLongAsFloat8(c: Cursor): void {
  const value = readExactDouble(c, (x) => x);
  c.outView.setInt32(c.at, 8);
  c.outView.setFloat64(c.at + 4, value);
  c.at += 12;
}

export function writeLongAsFloat4(c: Cursor): void {
  putFloat4(c, readExactDouble(c, Math.fround));
}

const ASCII = new TextEncoder();

export function writeDoubleAsNumeric(c: Cursor): void {
  const text = ASCII.encode(doubleText(readDouble(c)));
  writeDecimal(c, text, 0, text.length);
}

export function writeDoubleAsText(c: Cursor): void {
  const { written } = ASCII.encodeInto(doubleText(readDouble(c)), c.out.subarray(c.at + 4));
  c.outView.setInt32(c.at, written);
  c.at += 4 + written;
}

function putInt4(c: Cursor, value: number): void {
  c.outView.setInt32(c.at, 4);
  c.outView.setInt32(c.at + 4, value);
  c.at += 8;
}

function putInt2(c: Cursor, value: number): void {
  c.outView.setInt32(c.at, 2);
  c.outView.setInt16(c.at + 4, value);
  c.at += 6;
}

function putFloat4(c: Cursor, value: number): void {
  c.outView.setInt32(c.at, 4);
  c.outView.setFloat32(c.at + 4, value);
  c.at += 8;
}
