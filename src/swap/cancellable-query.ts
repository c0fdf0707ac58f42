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
  const cancel = () => requestCancel(query);
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

/**
 * What query.cancel() does, but for the promise of the request, which it drops: where the server takes
 * no further connection, its rejection would end the process.
 */
function requestCancel(query: object): void {
  const { canceller } = query as { canceller?: ((query: object) => Promise<void>) | null };
  canceller?.(query).catch(() => undefined);
}
