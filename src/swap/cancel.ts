import type postgres from 'postgres';

/**
 * The answer of `query`, which is cancelled on the server when `signal` is aborted: an index build
 * or a REFRESH would otherwise run on for nobody. Then it throws the signal's reason.
 */
export async function cancellable<T extends readonly postgres.MaybeRow[]>(
  query: postgres.PendingQuery<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  const cancel = () => query.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await query;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
