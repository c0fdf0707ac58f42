import { Writable } from 'node:stream';
import type postgres from 'postgres';
import { ProjectorError } from '../errors.ts';

/** What the project's patch of postgres.js adds: the row count of `COPY n`, set before `finish`. */
type CopyWritable = Writable & { readonly count?: number };

/**
 * Starts `statement`, a `COPY ... FROM STDIN`, on a connection that is the caller's own: no other
 * statement can run on it until the copy has settled. Rejects with the server's error.
 */
export async function openCopy(
  sql: postgres.TransactionSql | postgres.ReservedSql,
  statement: string,
): Promise<CopyStream> {
  const writable: unknown = await sql.unsafe(statement).writable();
  if (writable instanceof Writable) return new CopyStream(writable);
  throw new ProjectorError({
    code: 'NOT_A_COPY',
    message: `not a COPY ... FROM STDIN: ${statement}`,
  });
}

/** A running `COPY ... FROM STDIN`. */
export class CopyStream {
  readonly #writable: CopyWritable;
  /** Rejects what is pending: writes, or the end. */
  readonly #pending = new Set<(error: Error) => void>();
  #failure: Error | undefined;

  constructor(writable: CopyWritable) {
    this.#writable = writable;
    writable.on('error', (error) => this.#fail(error));
    writable.on('close', () => {
      if (!writable.writableFinished) this.#fail(new Error('the COPY was closed before its end'));
    });
  }

  /**
   * Hands a chunk to the socket; it need not end at a row. Resolves when the kernel has taken all
   * of it, which is what holds a fast reader back to the server's pace. The chunk is not copied:
   * leave it alone until then. Rejects as soon as the server or the connection fails.
   */
  write(chunk: Uint8Array): Promise<void> {
    return this.#settle((resolve) => {
      if (chunk.byteLength === 0) return resolve(undefined);
      // An error reaches everyone by the 'error' event, so only success is looked at here.
      this.#writable.write(chunk, (error) => error ?? resolve(undefined));
    });
  }

  /** Ends the data, and resolves to the number of rows that the server says it has copied. */
  finish(): Promise<number> {
    return this.#settle((resolve) => {
      this.#writable.once('finish', () => resolve(this.#writable.count ?? Number.NaN));
      this.#writable.end();
    });
  }

  /**
   * Has the server fail the COPY with `error`'s text; what is pending rejects with `error`. The
   * transaction is then in the failed state: roll it back. After a failure, or after the end of
   * the data, it only stops waiting.
   */
  abort(error: Error): void {
    this.#fail(error);
    this.#writable.destroy(error);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const reject of this.#pending) reject(this.#failure);
    this.#pending.clear();
  }

  #settle<T>(start: (resolve: (value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#pending.add(reject);
      start((value) => {
        if (this.#pending.delete(reject)) resolve(value);
      });
    });
  }
}
