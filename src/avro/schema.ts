/** The five Avro types that an export holds; Avro's `int` counts as `long` (both are zigzag varints). */
export type AvroScalar = 'long' | 'double' | 'boolean' | 'bytes' | 'string';

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

/**
 * The fields of an object's record, in order. `object` is its gs:// name, for the error BAD_AVRO that
 * names the field of any other type.
 */
export function parseAvroSchema(json: string, object: string): readonly AvroField[] {
  throw new Error(`not written yet ${json} ${object}`);
}
