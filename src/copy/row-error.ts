/** An error in one row; the encoder adds where it stopped. */
class RowError extends Error {
  /** Counted from the first row of the call; the pump counts on from its own first row. */
  row: number | undefined;
  /** Index among the encoder's columns. */
  column: number | undefined;
}

/** What the bytes of a block cannot mean; the caller adds which object. */
export class MalformedBlockError extends RowError {}

/** What is wrong with an array as a whole: how many elements it has, or that one of them is NULL. */
export interface ArrayFault {
  readonly elements: number | 'NULL';
}

/** A value that the column of the target cannot hold. */
export class InvalidValueError extends RowError {
  /** The value as Avro had it: a number's text, a string, bytes. */
  readonly value: string | Uint8Array | ArrayFault;

  constructor(message: string, value: string | Uint8Array | ArrayFault) {
    super(message);
    this.value = value;
  }
}

/** Adds the place to an error of a row; reading beyond the block's end shows as a RangeError. */
export function locate(error: unknown, row: number, column: number): unknown {
  const found =
    error instanceof RangeError
      ? new MalformedBlockError('a value goes beyond its block', { cause: error })
      : error;
  if (found instanceof RowError) Object.assign(found, { row, column });
  return found;
}
