import { type Files, runFloor, runPsql, writeFiles } from './floor.ts';
import { type Figures, median } from './measure.ts';
import { allowStreams, forgetTarget, runProjector } from './projector.ts';
import { type Result, result } from './results.ts';
import type { Shape } from './shapes.ts';
import { fillSource, type Stage } from './stage.ts';

/** All ways to get the same rows into Postgres, each the median of `repeat` runs, taken in turns. */
export async function measureShape(
  stage: Stage,
  shape: Shape,
  rows: number,
  repeat: number,
): Promise<readonly Result[]> {
  const { name } = shape;
  await fillSource(stage, name, shape, 0, rows);
  await runProjector(stage, name);
  const files = await writeFiles(stage, `target_${name}`);
  const runs = new Map<string, Figures[]>();
  for (let round = 0; round < repeat; round += 1) {
    for (const [way, run] of ways(stage, files, name)) {
      const [figures, extra] = await run();
      runs.set(way, [...(runs.get(way) ?? []), figures]);
      if (extra)
        runs.set(`end-to-end ${way.split(' ')[1]}`, [
          ...(runs.get(`end-to-end ${way.split(' ')[1]}`) ?? []),
          extra,
        ]);
    }
  }
  const figuresOf = (way: string) => median(runs.get(way) ?? []);
  return [...runs.keys()].map((way) => {
    const [what = '', streams = '1'] = way.split(' ');
    const floor = figuresOf(`floor-binary ${streams}`);
    return result(name, rows, Number(streams), what, figuresOf(way), floor);
  });
}

type Way = () => Promise<readonly [Figures, Figures?]>;

/** `what streams` and how to run it. */
function ways(stage: Stage, files: Files, name: string): readonly (readonly [string, Way])[] {
  const load =
    (streams: 1 | 2): Way =>
    async () => {
      await forgetTarget(stage, name);
      await allowStreams(stage, streams);
      const run = await runProjector(stage, name);
      await allowStreams(stage, undefined);
      if (run.streams !== streams)
        throw new Error(`loaded by ${run.streams} streams, not ${streams}`);
      return [run.load, run.endToEnd];
    };
  const floor =
    (format: 'binary' | 'csv', connections: 1 | 2): Way =>
    async () => [await runFloor(stage, files, format, connections)];
  const psql =
    (zipped: boolean): Way =>
    async () => [await runPsql(stage, files, zipped)];
  return [
    ['floor-binary 1', floor('binary', 1)],
    ['load 1', load(1)],
    ['floor-binary 2', floor('binary', 2)],
    ['load 2', load(2)],
    ['floor-csv 1', floor('csv', 1)],
    ['floor-csv 2', floor('csv', 2)],
    ...(Bun.which('psql') === null
      ? []
      : ([
          ['psql-csv 1', psql(false)],
          ['zcat-psql 1', psql(true)],
        ] as const)),
  ];
}
