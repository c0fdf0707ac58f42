import { badAvro } from './bad-avro.ts';

/** The five Avro types that an export holds; Avro's `int` counts as `long` (both are zigzag varints). */
export type AvroScalar = 'long' | 'double' | 'boolean' | 'bytes' | 'string';

/** The type of an element of an array. */
export interface AvroValueType {
  readonly scalar: AvroScalar;
  /** Index of "null" in the union; undefined where the value is not a union. */
  readonly nullBranch: 0 | 1 | undefined;
}

/** One field of the record: exactly one of `scalar` and `items` is there. */
export interface AvroField {
  readonly name: string;
  /** Index of "null" in the field's own union; undefined where it is not a union. */
  readonly nullBranch: 0 | 1 | undefined;
  readonly scalar?: AvroScalar;
  readonly items?: AvroValueType;
}

/** What may stand in the JSON of a schema; nothing of it is trusted. */
interface SchemaNode {
  readonly type?: unknown;
  readonly fields?: unknown;
  readonly name?: unknown;
  readonly items?: unknown;
}

const SCALARS: Readonly<Record<string, AvroScalar>> = {
  int: 'long',
  long: 'long',
  double: 'double',
  boolean: 'boolean',
  bytes: 'bytes',
  string: 'string',
};

/**
 * The fields of an object's record, in order. `object` is its gs:// name, for the error BAD_AVRO that
 * names the field of any other type. Annotations (`logicalType`, `sqlType`) do not change the bytes
 * and are passed over.
 */
export function parseAvroSchema(json: string, object: string): readonly AvroField[] {
  const schema = parseJson(json, object);
  if (!isObject(schema) || schema.type !== 'record' || !Array.isArray(schema.fields)) {
    throw badAvro(object, 'its schema is not a record');
  }
  const fields = schema.fields.map((field: unknown) => parseField(field, object));
  const names = new Set(fields.map(({ name }) => name));
  if (fields.length === 0) throw badAvro(object, 'its schema has no fields');
  if (names.size < fields.length) throw badAvro(object, 'two fields of its schema have one name');
  return fields;
}

function parseJson(json: string, object: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw badAvro(object, 'its schema is not JSON', error);
  }
}

function parseField(field: unknown, object: string): AvroField {
  if (!isObject(field) || typeof field.name !== 'string') {
    throw badAvro(object, 'a field of its schema has no name');
  }
  const name = field.name;
  const { nullBranch, type } = openUnion(field.type);
  const scalar = scalarOf(type);
  if (scalar !== undefined) return { name, nullBranch, scalar };
  const items = isObject(type) && type.type === 'array' ? openUnion(type.items) : undefined;
  const itemScalar = scalarOf(items?.type);
  if (items === undefined || itemScalar === undefined) {
    throw badAvro(object, `field ${name} has the type ${shorten(JSON.stringify(field.type))}`);
  }
  return { name, nullBranch, items: { scalar: itemScalar, nullBranch: items.nullBranch } };
}

/** A union counts where it has two branches, one of them null. */
function openUnion(type: unknown): { nullBranch: 0 | 1 | undefined; type: unknown } {
  if (!Array.isArray(type) || type.length !== 2) return { nullBranch: undefined, type };
  const [first, second] = type as unknown as readonly [unknown, unknown];
  if (first === 'null') return { nullBranch: 0, type: second };
  if (second === 'null') return { nullBranch: 1, type: first };
  return { nullBranch: undefined, type };
}

function scalarOf(type: unknown): AvroScalar | undefined {
  const name = isObject(type) ? type.type : type;
  return typeof name === 'string' && Object.hasOwn(SCALARS, name) ? SCALARS[name] : undefined;
}

function isObject(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shorten(text: string | undefined): string {
  if (text === undefined) return 'undefined';
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
