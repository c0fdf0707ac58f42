import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLoadedWorld, type World } from '../scenarios/fixture.ts';
import { DEPLOYMENT } from './document.ts';

setDefaultTimeout(60_000);

const MONITORING = join(DEPLOYMENT, 'monitoring');
const read = (name: string) => readFileSync(join(MONITORING, name), 'utf8');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets: readonly { readonly rawSql: string; readonly format: string }[];
}

const grafana = JSON.parse(read('grafana.json')) as { readonly panels: readonly Panel[] };

let world: World;
beforeAll(async () => {
  world = await openLoadedWorld();
  await world.run();
  await world.run({ 'bq-table': 'no_such_table', 'pg-table': 'lost' });
  await world.database.sql.unsafe(readFileSync(join(DEPLOYMENT, 'sync_status.sql'), 'utf8'));
});
afterAll(() => world[Symbol.asyncDispose]());

/** A query with Grafana's macro and variable replaced as its PostgreSQL data source does it. */
function asGrafanaSends(query: string): string {
  return query
    .replace(
      /\$__timeFilter\((\w+)\)/g,
      "$1 BETWEEN (now() - interval '14 days')::timestamptz AND now()::timestamptz",
    )
    .replaceAll('$tables', '%');
}

test.each(grafana.panels.map((panel) => [panel.title, panel] as const))(
  'the panel "%s" of Grafana is filled by the ledger of real runs',
  async (_, { targets, type }) => {
    for (const { rawSql, format } of targets) {
      const answer = await world.database.sql.unsafe(asGrafanaSends(rawSql));
      expect(answer.length).toBeGreaterThan(0);
      if (type !== 'timeseries') continue;
      expect(format).toBe('time_series');
      expect(answer.columns.map(({ name }) => name)).toEqual(['time', 'metric', 'value']);
    }
  },
);

test('the panels of Grafana have ids of their own and do not overlap', () => {
  const ids = grafana.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = grafana.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});

test('the dashboard of Cloud Monitoring shows every metric that is made, and no other', () => {
  const shown = [
    ...read('dashboard.json').matchAll(
      /user_bq_to_postgres_([a-z]+?)(?:_(?:sum|count|bucket))?\{/g,
    ),
  ];
  const made = readdirSync(MONITORING).map((name) => /^metric-(.*)\.json$/.exec(name)?.[1]);
  expect([...new Set(shown.map(([, name]) => name))].sort()).toEqual(
    made.filter((name) => name !== undefined).sort(),
  );
});
