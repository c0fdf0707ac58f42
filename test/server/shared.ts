import { startPostgres, type TestServer } from './server.ts';

/** On the global object, for every test file of a run has module instances of its own. */
const place = globalThis as { sharedPostgresServer?: Promise<TestServer> };

/**
 * The one server of a test run, started when it is first asked for. It stops by itself when the
 * process ends, however that happens, so nobody stops it.
 */
export function sharedPostgres(): Promise<TestServer> {
  place.sharedPostgresServer ??= startPostgres();
  return place.sharedPostgresServer;
}
