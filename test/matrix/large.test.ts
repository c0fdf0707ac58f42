import { expect, test } from 'bun:test';
import { DATASET, openWorld } from '../scenarios/fixture.ts';

/** Times six bytes: 50 MB. */
const REPEATS = 8_738_133;

/** Measured: 336 MB in COPY binary, 488 MB in COPY text. */
const MOST_MEGABYTES = 600;

/** VmHWM: the most memory that the process ever held (proc(5)), in megabytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

test.each(['text', 'hstore'])(
  'a string of 50 MB beside a column of %s loads within bounds',
  async (other) => {
    await using world = await openWorld([
      { name: 's', type: 'STRING' },
      { name: 'o', type: 'STRING' },
      { name: 'max_ingested_at', type: 'TIMESTAMP' },
    ]);
    const { google, database } = world;
    await google.duckdb(`INSERT INTO ${google.tableName(DATASET, 'rows')}
    SELECT repeat('tab-é', ${REPEATS}), 'a=>1', NULL FROM range(1)`);
    await database.sql.unsafe(`CREATE EXTENSION hstore;
    CREATE TABLE target (s text, o ${other}, max_ingested_at timestamptz)`);
    const running = world.start();
    let peak = 0;
    const timer = setInterval(() => {
      peakOf(running.pid).then(
        (megabytes) => {
          peak = Math.max(peak, megabytes);
        },
        () => undefined,
      );
    }, 20);
    const { exitCode } = await running.outcome;
    clearInterval(timer);
    expect(exitCode).toBe(0);
    const [row] =
      await database.sql`SELECT count(*), min(md5(s)) = md5(repeat('tab-é', ${REPEATS})) AS same FROM target`;
    expect({ ...row }).toEqual({ count: '1', same: true });
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(MOST_MEGABYTES);
  },
);
