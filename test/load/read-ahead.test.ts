import { expect, test } from 'bun:test';
import type { BlockReader } from '../../src/avro/blocks.ts';
import type { Split } from '../../src/avro/splits.ts';
import { readAhead } from '../../src/load/read-ahead.ts';
import { objectOf } from '../avro/memory-store.ts';

const object = objectOf(Buffer.alloc(0));
const split = (id: string, bytes = 1000): Split => ({ id, object, start: 0, end: bytes });
const many = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, i) => split(String(i), bytes));

/** Readers that tell when they are opened and closed. */
function watched() {
  const opened: string[] = [];
  const closed: string[] = [];
  const ahead = readAhead(({ id }) => {
    opened.push(id);
    return { id, close: async () => void closed.push(id) } as unknown as BlockReader;
  });
  return { opened, closed, ahead };
}

test('a split that was opened ahead is handed out once, and then opened anew', () => {
  const { opened, ahead } = watched();
  ahead.open([split('a'), split('b')]);
  ahead.take(split('a'));
  ahead.take(split('a'));
  expect(opened).toEqual(['a', 'b', 'a']);
});

test('of small splits eight are opened ahead, of large ones one', () => {
  const small = watched();
  small.ahead.open(many(20, 1000));
  expect(small.opened).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  const large = watched();
  large.ahead.open(many(20, 64e6));
  expect(large.opened).toEqual(['0']);
});

test('what is open already is not opened again, and makes room when it is taken', () => {
  const { opened, ahead } = watched();
  ahead.open(many(20, 1000));
  ahead.take(split('0'));
  ahead.open(many(20, 1000).slice(1));
  expect(opened.at(-1)).toBe('8');
  expect(opened).toHaveLength(9);
});

test('what nobody took is closed', () => {
  const { closed, ahead } = watched();
  ahead.open(many(3, 1000));
  ahead.take(split('1'));
  ahead.close();
  expect(closed).toEqual(['0', '2']);
});
