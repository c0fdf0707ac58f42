import { startProxy } from '../test/faults/proxy.ts';
import { type BenchFixture, fillSource } from './bench-fixture.ts';
import { allowStreams, forgetTarget, runProjector } from './projector.ts';
import { type Result, result } from './results.ts';
import { EVENTS } from './shapes.ts';

interface Line {
  readonly streams: number;
  readonly rows: number;
  readonly shards: number;
  /** What each connection lets through. */
  readonly bytesPerSecond: number;
}

/**
 * The second line is long enough for the program to get to eight streams, each of which pays off; its
 * objects are large beside the buffers of a connection.
 */
const LINES: readonly Line[] = [
  { streams: 1, rows: 150_000, shards: 4, bytesPerSecond: 1e6 },
  { streams: 8, rows: 6_000_000, shards: 32, bytesPerSecond: 5e6 },
];

/**
 * A PostgreSQL that takes rows slowly, by one stream and by eight: what has not been taken must wait in
 * Cloud Storage, not in memory.
 */
export async function measureSlow(bench: BenchFixture): Promise<readonly Result[]> {
  const results: Result[] = [];
  await using proxy = await startProxy(bench.server.port);
  const before = bench.google.settings.exportShards;
  let filled = 0;
  for (const { streams, rows, shards, bytesPerSecond } of LINES) {
    await fillSource(bench, 'slow', EVENTS, filled, rows);
    filled = rows;
    bench.google.settings.exportShards = shards;
    await forgetTarget(bench, 'slow');
    await allowStreams(bench, streams);
    proxy.pace(bytesPerSecond);
    const run = await runProjector(bench, 'slow', proxy.through(bench.database.uri));
    await allowStreams(bench, undefined);
    results.push(result(EVENTS.name, rows, run.streams, 'load-slow', run.load));
  }
  bench.google.settings.exportShards = before;
  return results;
}
