import { describe, expect, test } from 'bun:test';
import { fetchHeader, parseHeader } from '../../src/avro/header.ts';
import { parseAvroSchema } from '../../src/avro/schema.ts';
import { memoryStore, objectOf } from './memory-store.ts';
import { FOREVER } from './read-rows.ts';
import { writeAvro } from './write-file.ts';

const record = (...fields: unknown[]) => JSON.stringify({ type: 'record', name: 'Root', fields });
const parse = (...types: unknown[]) =>
  parseAvroSchema(record(...types.map((type, i) => ({ name: `c${i}`, type }))), 'gs://lab/o');

describe('a schema', () => {
  test('gives scalars, unions in either order, plain types and arrays', () => {
    expect(parse('long', 'int', ['null', 'string'], ['bytes', 'null'])).toEqual([
      { name: 'c0', nullBranch: undefined, scalar: 'long' },
      { name: 'c1', nullBranch: undefined, scalar: 'long' },
      { name: 'c2', nullBranch: 0, scalar: 'string' },
      { name: 'c3', nullBranch: 1, scalar: 'bytes' },
    ]);
    const array = { type: 'array', items: ['double', 'null'] };
    expect(parse({ type: 'array', items: 'boolean' }, ['null', array])).toEqual([
      { name: 'c0', nullBranch: undefined, items: { scalar: 'boolean', nullBranch: undefined } },
      { name: 'c1', nullBranch: 0, items: { scalar: 'double', nullBranch: 1 } },
    ]);
  });

  test('may be annotated', () => {
    expect(
      parse({ type: 'string', sqlType: 'JSON' }, ['null', { type: 'long', logicalType: 'x' }]),
    ).toMatchObject([{ scalar: 'string' }, { scalar: 'long', nullBranch: 0 }]);
  });

  test.each([
    ['float'],
    ['null'],
    [['null']],
    [['null', 'string', 'long']],
    [['string', 'long']],
    [{ type: 'map', values: 'long' }],
    [{ type: 'record', name: 'R', fields: [] }],
    [{ type: 'array', items: { type: 'array', items: 'long' } }],
    [{ type: 'array' }],
    ['toString'],
    [7],
    [undefined],
  ])('with a field of the type %j is refused by its name', (type) => {
    expect(() => parse('long', type)).toThrow(/gs:\/\/lab\/o .* field c1 has the type/);
  });

  test.each([
    ['{'],
    ['null'],
    ['"long"'],
    ['{"type":"record"}'],
    [record()],
    [record({ name: 'a', type: 'long' }, { name: 'a', type: 'long' })],
    [record(null)],
    ['['.repeat(100_000)],
  ])('that is no record of named fields is refused (%#)', (json) => {
    expect(() => parseAvroSchema(json, 'gs://lab/o')).toThrow('gs://lab/o is not the Avro file');
  });
});

describe('a header', () => {
  const wide = {
    type: 'record',
    name: 'Root',
    fields: Array.from({ length: 9000 }, (_, i) => ({ name: `c${i}`, type: ['null', 'long'] })),
  } as const;

  test('that is larger than the first piece is read on', async () => {
    const file = await writeAvro(wide as never, []);
    const store = memoryStore(file);
    const header = await fetchHeader(store, objectOf(file), FOREVER);
    expect(header.fields.length).toBe(9000);
    expect(header.headerBytes).toBe(file.length);
    expect(store.requests.length).toBeGreaterThan(1);
  });

  test('of a small schema takes one request', async () => {
    const file = await writeAvro(
      { type: 'record', name: 'R', fields: [{ name: 'a', type: 'long' }] },
      [{ a: 1 }],
    );
    const store = memoryStore(file);
    await fetchHeader(store, objectOf(file), FOREVER);
    expect(store.requests).toEqual([{ start: 0, end: file.length }]);
  });

  test('may give its map with a negative count and a length', () => {
    const entry = (key: string, value: string) => [text(key), text(value)];
    const text = (value: string) =>
      Buffer.concat([Buffer.from([value.length * 2]), Buffer.from(value)]);
    const schema = '{"type":"record","fields":[{"name":"a","type":"long"}]}';
    const body = Buffer.concat(entry('avro.schema', schema));
    const bytes = Buffer.concat([
      Buffer.from('Obj\u0001'),
      Buffer.from([1, 140, 1]), // minus one entry, then its length
      body,
      Buffer.from([0]),
      Buffer.alloc(16, 9),
    ]);
    expect(parseHeader(bytes, 'o')).toMatchObject({ codec: 'null', headerBytes: bytes.length });
    for (let end = 0; end < bytes.length; end++) {
      expect(parseHeader(bytes.subarray(0, end), 'o')).toBe('more');
    }
  });
});
