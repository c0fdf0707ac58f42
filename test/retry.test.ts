import { expect, test } from 'bun:test';
import { RETRY_LIMITS, type RetryOptions, retry } from '../src/retry.ts';

const FOREVER = new AbortController().signal;
const LIMITS = { answerMs: 20, patienceMs: 150, longTries: 5, firstDelayMs: 1, reportEveryMs: 30 };
const OPTIONS: RetryOptions = { signal: FOREVER, isRetryable: () => true, limits: LIMITS };

/** Fails after `lastsMs`, and counts how often. */
function failing(lastsMs: number, error: unknown = new Error('no answer')) {
  const action = async () => {
    action.tries += 1;
    await Bun.sleep(lastsMs);
    throw error;
  };
  action.tries = 0;
  return action;
}

test('a service that takes requests and never answers is given up when patience ends', async () => {
  const action = failing(LIMITS.answerMs);
  await expect(retry(action, OPTIONS)).rejects.toThrow('no answer');
  expect(action.tries).toBeGreaterThan(1);
});

test('work that was lost after a long time is tried again with fresh patience', async () => {
  let tries = 0;
  const action = async () => {
    tries += 1;
    if (tries === 3) return 'done';
    await Bun.sleep(LIMITS.patienceMs + 50);
    throw new Error('lost');
  };
  expect(await retry(action, OPTIONS)).toBe('done');
});

test('work that is lost again and again after a long time is given up', async () => {
  const action = failing(2 * LIMITS.answerMs + 5);
  await expect(retry(action, OPTIONS)).rejects.toThrow('no answer');
  expect(action.tries).toBe(LIMITS.longTries + 1);
});

test('what is not retryable is thrown at once', async () => {
  const action = failing(0);
  await expect(retry(action, { ...OPTIONS, isRetryable: () => false })).rejects.toThrow();
  expect(action.tries).toBe(1);
});

test('a token that is refused twice is not asked for a third time', async () => {
  const action = failing(0, Object.assign(new Error('no'), { code: 401 }));
  let asked = 0;
  const onUnauthorized = async () => {
    asked += 1;
  };
  const refused = retry(action, { ...OPTIONS, isRetryable: () => false, onUnauthorized });
  await expect(refused).rejects.toThrow('no');
  expect({ asked, tries: action.tries }).toEqual({ asked: 1, tries: 2 });
});

test('a failure that lasts is told at first and then from time to time', async () => {
  const action = failing(0);
  const told: unknown[] = [];
  await retry(action, { ...OPTIONS, onWait: (error) => told.push(error) }).catch(() => undefined);
  expect(told.length).toBeGreaterThan(1);
  expect(told.length).toBeLessThan(action.tries);
});

test('a signal ends the wait with its reason, and does not undo a success', async () => {
  const calling = new AbortController();
  const limits = { ...RETRY_LIMITS, firstDelayMs: 10_000 };
  const waiting = retry(failing(0), { ...OPTIONS, limits, signal: calling.signal });
  setTimeout(() => calling.abort(new Error('called off')), 20);
  await expect(waiting).rejects.toThrow('called off');
  const late = new AbortController();
  const action = async () => {
    late.abort();
    return 'done';
  };
  expect(await retry(action, { ...OPTIONS, signal: late.signal })).toBe('done');
});
