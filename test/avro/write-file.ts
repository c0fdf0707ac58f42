import avsc from 'avsc';

/** Rows as avsc takes them: longs as numbers, unions without wrapping. */
export type SourceRow = Readonly<Record<string, unknown>>;

export interface FileOptions {
  readonly codec?: 'null' | 'deflate';
  /** Uncompressed bytes after which a block is closed. */
  readonly blockBytes?: number;
  readonly sync?: Buffer;
}

/** An Avro file of the rows, written by avsc. */
export async function writeAvro(
  schema: avsc.Schema,
  rows: readonly SourceRow[],
  { codec = 'null', blockBytes = 1024, sync }: FileOptions = {},
): Promise<Buffer> {
  const encoder = new avsc.streams.BlockEncoder(schema, {
    codec,
    blockSize: blockBytes,
    writeHeader: 'always',
    ...(sync && { syncMarker: sync }),
  });
  const chunks: Buffer[] = [];
  encoder.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve, reject) => encoder.on('end', resolve).on('error', reject));
  for (const row of rows) encoder.write(row);
  encoder.end();
  await ended;
  return Buffer.concat(chunks);
}

/** A field of each kind that an export can hold. */
export const SCHEMA = {
  type: 'record',
  name: 'Root',
  fields: [
    { name: 'c0', type: 'long' },
    { name: 'c1', type: ['null', 'string'] },
    { name: 'c2', type: ['double', 'null'] },
    { name: 'c3', type: ['null', 'boolean'] },
    { name: 'c4', type: ['null', 'bytes'] },
    { name: 'c5', type: { type: 'array', items: 'long' } },
    { name: 'c6', type: { type: 'array', items: ['null', 'string'] } },
  ],
} as const satisfies avsc.Schema;

/** Row number `index`, of about `size` bytes of text. */
export function exampleRow(index: number, size = 20) {
  return {
    c0: index,
    c1: index % 5 === 0 ? null : `${index} `.padEnd(size, 'é'),
    c2: index % 7 === 0 ? null : index / 3,
    c3: index % 3 === 0 ? null : index % 2 === 0,
    c4: index % 4 === 0 ? null : Buffer.from([0, 255, index & 255]),
    c5: Array.from({ length: index % 4 }, (_, i) => i - 2),
    c6: index % 2 === 0 ? [] : ['', null, 'x'],
  };
}
