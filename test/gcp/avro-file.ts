import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { AvroType } from './avro-schema.ts';
import { createByteSink } from './byte-sink.ts';

export type Codec = 'null' | 'deflate';

/** An object container file in the making (Avro specification, "Object Container Files"). */
export interface AvroFile {
  readonly rows: number;
  /** Adds a block of encoded records. */
  addBlock(count: number, records: Buffer): void;
  /** The whole file; without rows it is its header alone. */
  finish(): Buffer;
}

export function createAvroFile(schema: AvroType, codec: Codec): AvroFile {
  const sync = randomBytes(16);
  const parts = [header(schema, codec, sync)];
  let rows = 0;
  const sink = createByteSink();
  return {
    get rows() {
      return rows;
    },
    addBlock(count, records) {
      const content = codec === 'deflate' ? deflateRawSync(records) : records;
      sink.long(count);
      sink.long(content.length);
      parts.push(sink.take(), content, sync);
      rows += count;
    },
    finish: () => Buffer.concat(parts),
  };
}

function header(schema: AvroType, codec: Codec, sync: Buffer): Buffer {
  const sink = createByteSink();
  sink.long(2);
  sink.text('avro.schema');
  sink.text(JSON.stringify(schema));
  sink.text('avro.codec');
  sink.text(codec);
  sink.byte(0);
  return Buffer.concat([Buffer.from('Obj\x01', 'latin1'), sink.take(), sync]);
}
