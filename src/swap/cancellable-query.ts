import type postgres from 'postgres';
import { cancelOnAbort } from '../postgres/cancel-on-abort.ts';

/**
 * The answer of `query`, which is cancelled on the server when `signal` is aborted: an index build
 * or a REFRESH would otherwise run on for nobody. Then it throws the signal's reason.
 */
export async function cancellable<T extends readonly postgres.MaybeRow[]>(
  query: postgres.PendingQuery<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  const stop = signal && cancelOnAbort(() => requestCancel(query), signal);
  try {
    return await query;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await stop?.();
  }
}

/**
 * What query.cancel() does, but for the promise of the request, which it drops: where the server takes
 * no further connection, its rejection would end the process.
 */
async function requestCancel(query: object): Promise<void> {
  const { canceller } = query as { canceller?: ((query: object) => Promise<void>) | null };
  await canceller?.(query);
}
