import { statfsSync } from 'node:fs';
import { startPostgres, type TestServer } from './server.ts';

/** On the global object, for every test file of a run has module instances of its own. */
const place = globalThis as { sharedPostgresServer?: Promise<TestServer> };

/**
 * The one server of a test run, started when it is first asked for. It stops by itself when the
 * process ends, however that happens, so nobody stops it. Its hundreds of databases are quickest in
 * memory: ext4 takes its time for files where others were removed a short while ago.
 */
export function sharedPostgres(): Promise<TestServer> {
  place.sharedPostgresServer ??= startPostgres(
    hasRoom(MEMORY) ? { parent: MEMORY, settings: { max_wal_size: '256MB' } } : {},
  );
  return place.sharedPostgresServer;
}

const MEMORY = '/dev/shm';
const ROOM_BYTES = 8 * 2 ** 30;

/** Containers have 64 MB there. */
function hasRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize > ROOM_BYTES;
  } catch {
    return false;
  }
}
