import { startProxy } from '../test/faults/proxy.ts';
import { fillSource, type Stage } from './bench-fixture.ts';
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
export async function measureSlow(stage: Stage): Promise<readonly Result[]> {
  const results: Result[] = [];
  await using proxy = await startProxy(stage.server.port);
  const before = stage.google.settings.exportShards;
  let filled = 0;
  for (const { streams, rows, shards, bytesPerSecond } of LINES) {
    await fillSource(stage, 'slow', EVENTS, filled, rows);
    filled = rows;
    stage.google.settings.exportShards = shards;
    await forgetTarget(stage, 'slow');
    await allowStreams(stage, streams);
    proxy.pace(bytesPerSecond);
    const run = await runProjector(stage, 'slow', proxy.through(stage.database.uri));
    await allowStreams(stage, undefined);
    results.push(result(EVENTS.name, rows, run.streams, 'load-slow', run.load));
  }
  stage.google.settings.exportShards = before;
  return results;
}
