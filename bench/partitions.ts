import { type BenchFixture, fillSource } from './bench-fixture.ts';
import { forgetTarget, runProjector } from './projector.ts';
import { type Result, result } from './results.ts';
import { EVENTS } from './shapes.ts';

/** The days that the rows of EVENTS have, in no order. */
const DAYS = 2000;

/**
 * A full load into a target of 1, 12 and 120 partitions by day beside one of none, each with a key and
 * an index: the COPYs alone, and the whole with indexes and swap.
 */
export async function measurePartitions(
  bench: BenchFixture,
  rows: number,
): Promise<readonly Result[]> {
  const name = 'partitions';
  await fillSource(bench, name, EVENTS, 0, rows);
  const results: Result[] = [];
  for (const partitions of [0, 1, 12, 120]) {
    await forgetTarget(bench, name);
    await createTarget(bench, `target_${name}`, partitions);
    const { load, endToEnd, streams } = await runProjector(bench, name);
    const what = partitions === 0 ? 'unpartitioned' : `${partitions}-partitions`;
    results.push(result(EVENTS.name, rows, streams, `load-${what}`, load));
    results.push(result(EVENTS.name, rows, streams, `end-to-end-${what}`, endToEnd));
  }
  await forgetTarget(bench, name);
  return results;
}

async function createTarget(
  { database }: BenchFixture,
  table: string,
  partitions: number,
): Promise<void> {
  const places = Array.from({ length: partitions }, (_, i) => {
    const day = (place: number) => `date '2020-01-01' + ${Math.round((place * DAYS) / partitions)}`;
    return `EXECUTE format('CREATE TABLE ${table}_${i} PARTITION OF ${table}
      FOR VALUES FROM (%L) TO (%L)', ${day(i)}, ${day(i + 1)});`;
  });
  const by = partitions === 0 ? '' : ' PARTITION BY RANGE (day)';
  await database.sql.unsafe(`
    CREATE TABLE ${table} (id bigint, kind text, amount numeric, score double precision,
      paid boolean, day date, payload jsonb, max_ingested_at timestamptz,
      PRIMARY KEY (id, day))${by};
    DO $$ BEGIN ${places.join('\n')} NULL; END $$;
    CREATE INDEX ON ${table} (kind)`);
}
