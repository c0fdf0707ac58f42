import { describe, expect, test } from 'bun:test';
import { limitStreams } from '../../src/load/stream-limit.ts';
import { createTestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';

describe('the limit of streams', () => {
  async function limitWith(freeBytes: number, settings = '') {
    const server = await sharedPostgres();
    await using database = await createTestDatabase(server);
    const session = await database.sql.reserve();
    if (settings !== '') await session.unsafe(settings);
    const limit = await limitStreams(session, { connections: 100, freeBytes }).finally(
      session.release,
    );
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
