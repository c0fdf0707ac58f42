import { describe, expect, test } from 'bun:test';
import { controlStreams, limitStreams } from '../../src/load/stream-count.ts';
import { createTestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';

const LIMIT = { most: 4, reason: 'the limit' };

const TRY = { fillingMs: 200, measuredMs: 800 };

/**
 * Feeds the control seconds of so many rows each, a burst before, and gives the streams that it wanted
 * after each.
 */
function wantedAfter(rates: readonly number[], limit = LIMIT, burst = 0) {
  const control = controlStreams(limit, TRY);
  let rows = 0;
  const wanted = rates.map((rate, second) => {
    control.observe(rows, second * 1000);
    rows += burst;
    control.observe(rows, second * 1000 + 200);
    rows += rate;
    control.observe(rows, (second + 1) * 1000);
    return control.wanted;
  });
  return { wanted, reason: control.reason };
}

describe('the number of streams', () => {
  test('grows while each one more brings over a tenth, up to the limit', () => {
    expect(wantedAfter([100, 150, 200, 300])).toEqual({
      wanted: [3, 4, 4, 4],
      reason: 'the limit',
    });
  });

  test('goes back by the one that brought less in two tries', () => {
    const { wanted, reason } = wantedAfter([100, 150, 164, 160, 500, 900]);
    expect(wanted).toEqual([3, 4, 4, 3, 3, 3]);
    expect(reason).toBe('one more brought less than a tenth');
  });

  test('goes on growing where only the first of two tries brought less', () => {
    expect(wantedAfter([100, 90, 150, 160, 200]).wanted).toEqual([3, 3, 4, 4, 4]);
  });

  test('is not judged by what goes into buffers first', () => {
    expect(wantedAfter([100, 150, 200], LIMIT, 1000).wanted).toEqual([3, 4, 4]);
  });

  test('stays below two where the limit is', () => {
    const { wanted, reason } = wantedAfter([100, 200], { most: 1, reason: 'no more' });
    expect(wanted).toEqual([1, 1]);
    expect(reason).toBe('no more');
  });

  test('is two for a load that ends before it can be judged', () => {
    const control = controlStreams(LIMIT, TRY);
    control.observe(10, 0);
    control.observe(500, 900);
    expect(control.wanted).toBe(2);
    expect(control.reason).toBe('it was done before more were tried');
  });
});

describe('the limit of streams', () => {
  async function limitWith(freeBytes: number, settings = '') {
    const server = await sharedPostgres();
    await using database = await createTestDatabase(server);
    const session = await database.sql.reserve();
    if (settings !== '') await session.unsafe(settings);
    const limit = await limitStreams(session, freeBytes).finally(session.release);
    return limit;
  }

  test('is what the server shows of its CPUs', async () => {
    const limit = await limitWith(1e12, 'SET max_parallel_workers = 3');
    expect(limit).toEqual({ most: 3, reason: 'max_parallel_workers of the server is no more' });
  });

  test('is eight for the largest server', async () => {
    const limit = await limitWith(1e12, 'SET max_parallel_workers = 64');
    expect(limit).toEqual({ most: 8, reason: 'more are of no use to any server' });
  });

  test('is what the memory allows, and never less than one', async () => {
    const reason = 'there is no memory for more here';
    expect(await limitWith(100e6)).toEqual({ most: 1, reason });
    expect(await limitWith(0)).toEqual({ most: 1, reason });
    expect(await limitWith(110e6)).toEqual({ most: 2, reason });
  });
});
