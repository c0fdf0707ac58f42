import type { AvroField } from '../avro/schema.ts';
import { ProjectorError } from '../errors.ts';
import { createBinaryEncoder } from './binary-encoder.ts';
import type { EncodedColumn, Encoder } from './encoder.ts';
import { ENCODINGS } from './encodings.ts';
import { createTextEncoder } from './text-encoder.ts';

/** Makes the encoder for one format; the object's own schema decides about unions and nulls. */
export function createEncoder(
  format: 'binary' | 'text',
  columns: readonly EncodedColumn[],
  fields: readonly AvroField[],
  chunkBytes: number,
): Encoder {
  checkFields(columns, fields);
  const create = format === 'binary' ? createBinaryEncoder : createTextEncoder;
  return create(columns, fields, chunkBytes);
}

function checkFields(columns: readonly EncodedColumn[], fields: readonly AvroField[]): void {
  const expected = columns.map((column) => `${column.alias} ${avroType(column)}`);
  const found = fields.map(
    (field) => `${field.name} ${field.items ? `array of ${field.items.scalar}` : field.scalar}`,
  );
  const at = expected.findIndex((text, i) => text !== found[i]);
  if (at < 0 && expected.length === found.length) return;
  throw new ProjectorError({
    code: 'UNEXPECTED_SCHEMA',
    message: `the export has the field ${found[at] ?? 'nothing'} where ${expected[at] ?? 'nothing'} was asked for`,
    hint: 'Run again; if it happens again, the service that wrote the export does not follow the schema of its query.',
  });
}

function avroType(column: EncodedColumn): string {
  const scalar = ENCODINGS[column.encoding].avro;
  return column.array ? `array of ${scalar}` : scalar;
}
