import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBench } from './bench-fixture.ts';
import { chart } from './chart.ts';
import { measureGrowth, measureIncrements, measureShards, measureWidths } from './growth.ts';
import { measureShape } from './loaders.ts';
import { measurePartitions } from './partitions.ts';
import { type Result, resultTable } from './results.ts';
import { EVENTS, STATISTICS } from './shapes.ts';
import { measureSlow } from './slow.ts';

/**
 * `bun run bench [--rows N] [--repeat N] [--only loaders,growth,shards,columns,increments,slow,partitions]`:
 * measures this program beside other loaders of the same rows, on parts that it starts itself. Figures
 * are to be compared within one run only: machines differ, and share their CPUs.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    repeat: { type: 'string', default: '5' },
    only: { type: 'string', default: 'loaders,growth,shards,columns,increments,slow,partitions' },
  },
});
const rows = Number(values.rows);
const repeat = Number(values.repeat);
const wanted = new Set(values.only.split(','));
if (!Number.isInteger(rows) || rows < 1 || !Number.isInteger(repeat) || repeat < 1) {
  throw new Error('--rows and --repeat take whole numbers from 1');
}

await using bench = await openBench();
const results: Result[] = [];
const add = (more: readonly Result[]) => {
  results.push(...more);
  console.log(`${resultTable(more)}\n`);
};

if (wanted.has('loaders')) {
  for (const shape of [STATISTICS, EVENTS]) add(await measureShape(bench, shape, rows, repeat));
}
if (wanted.has('growth')) add(await measureGrowth(bench, rows));
if (wanted.has('shards')) add(await measureShards(bench, rows));
if (wanted.has('columns')) add(await measureWidths(bench, rows));
if (wanted.has('increments')) add(await measureIncrements(bench, rows));
if (wanted.has('slow')) add(await measureSlow(bench));
if (wanted.has('partitions')) add(await measurePartitions(bench, rows));

await Bun.write(
  join(import.meta.dir, 'results.json'),
  `${JSON.stringify(results, undefined, 1)}\n`,
);
if (wanted.has('loaders')) await Bun.write(join(import.meta.dir, 'chart.svg'), chart(results));
