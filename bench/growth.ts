import { type BenchFixture, fillSource } from './bench-fixture.ts';
import { forgetTarget, runProjector } from './projector.ts';
import { type Result, result } from './results.ts';
import { EVENTS, type Shape, STATISTICS, wideShape } from './shapes.ts';

/** A quarter, one, four and sixteen times `rows`: time and memory should not grow by the row. */
export async function measureGrowth(bench: BenchFixture, rows: number): Promise<readonly Result[]> {
  const results: Result[] = [];
  let filled = 0;
  for (const factor of [0.25, 1, 4, 16]) {
    const wanted = Math.round(rows * factor);
    await fillSource(bench, 'growth', STATISTICS, filled, wanted);
    filled = wanted;
    results.push(await measureLoad(bench, 'growth', STATISTICS, wanted, 'load'));
  }
  return results;
}

/** The same rows in 1, 10, 100 and 1,000 objects. */
export async function measureShards(bench: BenchFixture, rows: number): Promise<readonly Result[]> {
  const results: Result[] = [];
  await fillSource(bench, 'shards', EVENTS, 0, rows);
  const before = bench.google.settings.exportShards;
  for (const shards of [1, 10, 100, 1000]) {
    bench.google.settings.exportShards = shards;
    results.push(await measureLoad(bench, 'shards', EVENTS, rows, `load-${shards}-shards`));
  }
  bench.google.settings.exportShards = before;
  return results;
}

/** 10, 100 and 1,000 columns, of about as many values in all. */
export async function measureWidths(bench: BenchFixture, rows: number): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const columns of [10, 100, 1000]) {
    const name = `wide${columns}`;
    const count = Math.max(1, Math.round((rows * 10) / columns));
    const shape = wideShape(columns);
    await fillSource(bench, name, shape, 0, count);
    results.push(await measureLoad(bench, name, shape, count, 'load'));
  }
  return results;
}

/** Increments of several sizes into ten times `rows` with three indexes. */
export async function measureIncrements(
  bench: BenchFixture,
  rows: number,
): Promise<readonly Result[]> {
  const name = 'increments';
  let filled = rows * 10;
  await fillSource(bench, name, EVENTS, 0, filled);
  await forgetTarget(bench, name);
  await runProjector(bench, name);
  await bench.database.sql.unsafe(`
    CREATE INDEX ON target_${name} (id);
    CREATE INDEX ON target_${name} (kind, day);
    CREATE INDEX ON target_${name} (max_ingested_at);
    ANALYZE target_${name}`);
  const results: Result[] = [];
  for (const size of [0, 1, 1000, 100_000, 1_000_000]) {
    if (size > 0) await fillSource(bench, name, EVENTS, filled, filled + size);
    filled += size;
    const run = await runProjector(bench, name);
    if (run.rows !== size) throw new Error(`${run.rows} rows came instead of ${size}`);
    if (size > 0) results.push(result('increment', size, 1, 'load', run.load));
    results.push(result('increment', size, 1, 'end-to-end', run.endToEnd));
  }
  return results;
}

async function measureLoad(
  bench: BenchFixture,
  name: string,
  shape: Shape,
  rows: number,
  what: string,
): Promise<Result> {
  await forgetTarget(bench, name);
  const run = await runProjector(bench, name);
  await forgetTarget(bench, name);
  return result(shape.name, rows, run.streams, what, run.load);
}
