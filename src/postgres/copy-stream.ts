import { Writable } from 'node:stream';
import type postgres from 'postgres';
import { ProjectorError } from '../errors.ts';

/** What the project's patch of postgres.js adds: the row count of `COPY n`, set before `finish`. */
type CopyWritable = Writable & { readonly count?: number };

/** A running `COPY ... FROM STDIN`. */
export interface CopyStream {
  /**
   * Hands a chunk to the socket; it need not end at a row. Resolves when the kernel has taken all
   * of it, which is what holds a fast reader back to the server's pace. The chunk is not copied:
   * leave it alone until then. Rejects as soon as the server or the connection fails.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends the data, and resolves to the number of rows that the server says it has copied. */
  finish(): Promise<number>;
  /**
   * Has the server fail the COPY with `error`'s text; what is pending rejects with `error`. The
   * transaction is then in the failed state: roll it back. After a failure, or after the end of
   * the data, it only stops waiting.
   */
  abort(error: Error): void;
}

/**
 * Starts `statement`, a `COPY ... FROM STDIN`, on a connection that is the caller's own: no other
 * statement can run on it until the copy has settled. Rejects with the server's error.
 */
export async function openCopy(
  sql: postgres.TransactionSql | postgres.ReservedSql,
  statement: string,
): Promise<CopyStream> {
  const writable: unknown = await sql.unsafe(statement).writable();
  if (writable instanceof Writable) return copyStream(writable);
  throw new ProjectorError({
    code: 'NOT_A_COPY',
    message: `not a COPY ... FROM STDIN: ${statement}`,
  });
}

function copyStream(writable: CopyWritable): CopyStream {
  const waiting = new Set<(error: Error) => void>();
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    for (const reject of waiting) reject(failure);
    waiting.clear();
  };
  writable.on('error', fail);
  writable.on('close', () => {
    if (!writable.writableFinished) fail(new Error('the COPY was closed before its end'));
  });

  const settle = <T>(start: (resolve: (value: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting.add(reject);
      start((value) => {
        if (waiting.delete(reject)) resolve(value);
      });
    });

  return {
    write: (chunk) =>
      settle((resolve) => {
        if (chunk.byteLength === 0) return resolve(undefined);
        // An error reaches everyone by the 'error' event, so only success is looked at here.
        writable.write(chunk, (error) => error ?? resolve(undefined));
      }),
    finish: () =>
      settle((resolve) => {
        writable.once('finish', () => resolve(writable.count ?? Number.NaN));
        writable.end();
      }),
    abort: (error) => {
      fail(error);
      writable.destroy(error);
    },
  };
}
