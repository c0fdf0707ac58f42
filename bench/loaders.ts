import { type BenchFixture, fillSource } from './bench-fixture.ts';
import { type Files, runFloor, runPsql, writeFiles } from './floor.ts';
import { type Figures, median, medianOf } from './measure.ts';
import { allowStreams, forgetTarget, runProjector } from './projector.ts';
import { type Result, result } from './results.ts';
import type { Shape } from './shapes.ts';

/**
 * All loaders of the same rows, each the median of `repeat` runs, taken in turns. The
 * ratio to the floor is the median of the rounds' own, whose two runs the machine served alike.
 */
export async function measureShape(
  bench: BenchFixture,
  shape: Shape,
  rows: number,
  repeat: number,
): Promise<readonly Result[]> {
  const { name } = shape;
  await fillSource(bench, name, shape, 0, rows);
  await runProjector(bench, name);
  const files = await writeFiles(bench, `target_${name}`);
  const runs = new Map<string, Figures[]>();
  for (let round = 0; round < repeat; round += 1) {
    for (const loader of loaders(bench, files, name)) {
      for (const [what, figures] of Object.entries(await loader.run())) {
        const key = `${what} ${loader.streams}`;
        runs.set(key, [...(runs.get(key) ?? []), figures]);
      }
    }
  }
  return Array.from(runs, ([key, measured]) => {
    const [what = '', streams = '1'] = key.split(' ');
    const floors = runs.get(`floor-binary ${streams}`) ?? [];
    const ratio = medianOf(measured.map((run, round) => run.wallSeconds / wallOf(floors[round])));
    return result(name, rows, Number(streams), what, median(measured), ratio);
  });
}

function wallOf(figures: Figures | undefined): number {
  return figures?.wallSeconds ?? Number.NaN;
}

interface Loader {
  readonly streams: 1 | 2;
  /** What was measured, by its name in the results. */
  readonly run: () => Promise<Readonly<Record<string, Figures>>>;
}

function loaders(bench: BenchFixture, files: Files, name: string): readonly Loader[] {
  async function load(streams: 1 | 2) {
    await forgetTarget(bench, name);
    await allowStreams(bench, streams);
    const run = await runProjector(bench, name);
    await allowStreams(bench, undefined);
    if (run.streams !== streams) throw new Error(`loaded by ${run.streams} streams`);
    return { load: run.load, 'end-to-end': run.endToEnd };
  }
  async function floor(format: 'binary' | 'csv', streams: 1 | 2) {
    return { [`floor-${format}`]: await runFloor(bench, files, format, streams) };
  }
  const own = ([1, 2] as const).flatMap((streams): Loader[] => [
    { streams, run: () => floor('binary', streams) },
    { streams, run: () => load(streams) },
    { streams, run: () => floor('csv', streams) },
  ]);
  if (Bun.which('psql') === null) return own;
  return [
    ...own,
    { streams: 1, run: async () => ({ 'psql-csv': await runPsql(bench, files, false) }) },
    { streams: 1, run: async () => ({ 'zcat-psql': await runPsql(bench, files, true) }) },
  ];
}
