import fc from 'fast-check';
import { quoteIdentifier } from '../../src/postgres/quoting.ts';
import type { Field } from '../gcp/google.ts';
import { DATASET, type World } from '../scenarios/fixture.ts';
import { instants, KINDS, type Kind } from './random-values.ts';

/** A random table: its columns beside `max_ingested_at`, the rows of a full load and those after. */
interface Case {
  readonly columns: readonly Column[];
  readonly before: readonly Row[];
  readonly after: readonly Row[];
}

interface Column {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
}

/** Values as the text that both databases read; the last one is `max_ingested_at`. */
type Row = readonly (string | null | readonly string[])[];

/** Reserved words, capitals, quotes, names of tables and aliases, system columns, long and unicode. */
const ODD_NAMES = [
  ...['select', 'Order', "it's", 'a b', 'rows', 'c0', 'größe', '名前', '9 lives'],
  ...[
    'CamelCase',
    'a&b%c=d+e:f<g>h#i|j',
    'x'.repeat(63),
    'é'.repeat(60),
    'source',
    'group',
    'n-1',
    'o',
    'e',
    'element',
    'position',
  ],
];
const names = fc.oneof(
  fc.constantFrom(...ODD_NAMES),
  fc.string({ unit: fc.constantFrom(...'abcXYZ_é0'), minLength: 1 }).map((text) => `k${text}`),
);

const columns = fc.uniqueArray(
  fc.record({ name: names, kind: fc.constantFrom(...KINDS), repeated: fc.boolean() }),
  { minLength: 1, maxLength: 39, selector: ({ name }) => name.toLowerCase() },
);

function rowOf(all: readonly Column[], at: fc.Arbitrary<string | null>): fc.Arbitrary<Row> {
  const cells = all.map(({ kind, repeated }) =>
    repeated ? fc.array(kind.values, { maxLength: 4 }) : fc.option(kind.values),
  );
  return fc.tuple(...cells, at) as fc.Arbitrary<Row>;
}

const cases: fc.Arbitrary<Case> = columns.chain((all) =>
  fc.record({
    columns: fc.constant(all),
    before: fc.array(rowOf(all, fc.option(instants(1, 2019))), { maxLength: 100 }),
    after: fc.array(rowOf(all, instants(2020, 9999)), { maxLength: 100 }),
  }),
);

let made = 0;

/** Some random cases, one after the other; SEED and SEED_PATH replay the one that a failure names. */
export async function assertRoundTrips(world: World, numRuns: number, lane: number): Promise<void> {
  const { SEED, SEED_PATH } = process.env;
  await fc.assert(
    fc.asyncProperty(cases, (one) => arrives(world, one)),
    {
      numRuns,
      endOnFailure: true,
      // Shrinking would outlast the test: what is told must come out before it is stopped.
      interruptAfterTimeLimit: numRuns * 10_000,
      ...(SEED !== undefined && { seed: Number(SEED) + (SEED_PATH ? 0 : lane) }),
      ...(SEED_PATH !== undefined && { path: SEED_PATH }),
    },
  );
}

async function arrives(world: World, one: Case): Promise<void> {
  const { google } = world;
  made += 1;
  const table = `trip_${made}`;
  const fields: Field[] = one.columns.map(({ name, kind, repeated }) => ({
    ...kind.field,
    name,
    ...(repeated && { mode: 'REPEATED' as const }),
  }));
  await google.createTable(DATASET, table, [
    ...fields,
    { name: 'max_ingested_at', type: 'TIMESTAMP' },
  ]);
  for (const [rows, sofar] of [
    [one.before, one.before],
    [one.after, [...one.before, ...one.after]],
  ] as const) {
    await fill(world, table, rows);
    const { exitCode, text } = await world.run({ 'bq-table': table, 'pg-table': table });
    if (exitCode !== 0) throw new Error(text);
    await compare(world, table, one.columns, sofar);
  }
  await world.database.sql.unsafe(`DROP TABLE ${table}`);
}

/** By DuckDB's own casts of the texts. */
async function fill({ google }: World, table: string, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const literal = (cell: Row[number]): string => {
    if (cell === null) return 'NULL';
    if (typeof cell === 'string') return `'${cell.replaceAll("'", "''")}'`;
    return `[${cell.map(literal).join(', ')}]::VARCHAR[]`;
  };
  const values = rows.map((row) => `(${row.map(literal).join(', ')})`).join(', ');
  await google.duckdb(
    `INSERT INTO ${google.tableName(DATASET, table)} SELECT * FROM (VALUES ${values})`,
  );
}

/** Both ways, by what PostgreSQL makes of the same texts. */
async function compare(
  { database }: World,
  table: string,
  all: readonly Column[],
  rows: readonly Row[],
): Promise<void> {
  const types = [
    ...all.map(({ kind, repeated }) => kind.postgres + (repeated ? '[]' : '')),
    'timestamptz',
  ];
  const wanted = types.map((type, i) =>
    type.endsWith('[]')
      ? `ARRAY(SELECT e FROM jsonb_array_elements_text(r->${i}) WITH ORDINALITY AS a(e, n) ORDER BY n)::${type}::text`
      : `(r->>${i})::${type}::text`,
  );
  const there = await database.sql.unsafe<{ name: string; type: string }[]>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = '${table}'::regclass AND attnum > 0 ORDER BY attnum`,
  );
  if (there.length !== types.length) throw new Error(`${there.length} columns`);
  const found = there.map(({ name }) => `${quoteIdentifier(name)}::text`).join(', ');
  const differing = await database.sql
    .unsafe(
      `WITH wanted AS (SELECT ${wanted.join(', ')} FROM jsonb_array_elements($1::text::jsonb) AS x(r)),
     found AS (SELECT ${found} FROM ${table})
     (SELECT 'missing', * FROM (TABLE wanted EXCEPT ALL TABLE found) m)
     UNION ALL (SELECT 'too much', * FROM (TABLE found EXCEPT ALL TABLE wanted) m) LIMIT 4`,
      [JSON.stringify(rows)],
    )
    .values();
  if (differing.length > 0) throw new Error(JSON.stringify([...differing]).slice(0, 2000));
}
