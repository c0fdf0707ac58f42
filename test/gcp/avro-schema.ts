import type { ValueType } from './value-type.ts';

/** An Avro type in JSON. */
export type AvroType = string | { readonly [key: string]: unknown } | readonly AvroType[];

const STRINGS_WITH_SQL_TYPE = new Set(['DATE', 'TIME', 'DATETIME', 'JSON', 'GEOGRAPHY']);

const PLAIN: Readonly<Record<string, string>> = {
  INT64: 'long',
  FLOAT64: 'double',
  BOOL: 'boolean',
  BYTES: 'bytes',
};

/**
 * The schema of an export: a record `Root`, every column a union with null except arrays
 * (documentation: "Exporting table data", Avro export details; "Load Avro data", type conversions).
 * Dates and times are strings, as `use_avro_logical_types` is never set.
 */
export function avroSchema(names: readonly string[], types: readonly ValueType[]): AvroType {
  const fields = names.map((name, at) => avroField(name, types[at] as ValueType, 'root'));
  return { type: 'record', name: 'Root', fields };
}

function avroField(name: string, type: ValueType, namespace: string): AvroType {
  const value = avroValue(name, type, namespace);
  return { name, type: type.kind === 'ARRAY' ? value : ['null', value] };
}

function avroValue(name: string, type: ValueType, namespace: string): AvroType {
  switch (type.kind) {
    case 'ARRAY':
      return { type: 'array', items: avroValue(name, type.element, namespace) };
    case 'STRUCT': {
      const inner = `${namespace}.${name}`;
      const fields = type.fields.map((field) => avroField(field.name, field.type, inner));
      return { type: 'record', namespace, name, fields };
    }
    case 'RANGE': {
      const bounds = ['start', 'end'].map((bound) =>
        avroField(bound, type.element, `${namespace}.${name}`),
      );
      return { type: 'record', namespace, name, sqlType: 'RANGE', fields: bounds };
    }
    case 'TIMESTAMP':
      return { type: 'long', logicalType: 'timestamp-micros' };
    case 'NUMERIC':
      return { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 9 };
    case 'BIGNUMERIC':
      return { type: 'bytes', logicalType: 'decimal', precision: 77, scale: 38 };
    default:
      if (STRINGS_WITH_SQL_TYPE.has(type.kind)) return { type: 'string', sqlType: type.kind };
      return PLAIN[type.kind] ?? 'string';
  }
}
