/**
 * `promise`, unless the signal aborts or `limitMs` pass first: Google's clients know no signal and
 * wait without end. The request itself is not cancelled; its result is ignored.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  limitMs: number | undefined,
): Promise<T> {
  promise.catch(() => undefined);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  const onLimit = () => reject(timedOut(limitMs ?? 0));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = limitMs === undefined ? undefined : setTimeout(onLimit, limitMs);
  try {
    return await Promise.race([promise, ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function timedOut(ms: number): Error {
  return Object.assign(new Error(`no answer for ${ms / 1000} s`), { code: 'ETIMEDOUT' });
}
