import { randomBytes } from 'node:crypto';
import type { AvroType } from './avro-schema.ts';
import { ByteSink } from './byte-sink.ts';

/** An uncompressed object container file in the making (Avro specification, "Object Container Files"). */
export class AvroFile {
  rows = 0;
  readonly #sync = randomBytes(16);
  readonly #sink = new ByteSink();
  readonly #parts: Buffer[] = [];

  constructor(schema: AvroType) {
    this.#sink.long(2);
    this.#sink.text('avro.schema');
    this.#sink.text(JSON.stringify(schema));
    this.#sink.text('avro.codec');
    this.#sink.text('null');
    this.#sink.byte(0);
    this.#parts.push(Buffer.from('Obj\x01', 'latin1'), this.#sink.take(), this.#sync);
  }

  /** Adds a block of encoded records. */
  addBlock(count: number, records: Buffer): void {
    this.#sink.long(count);
    this.#sink.long(records.length);
    this.#parts.push(this.#sink.take(), records, this.#sync);
    this.rows += count;
  }

  /** The whole file; without rows it is its header alone. */
  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
