import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  SOURCE_TYPES,
  type SourceColumn,
  type SourceType,
} from '../../src/google/source-columns.ts';
import { ARRAY_AS_JSON, CONVERSIONS } from '../../src/plan/conversions.ts';
import { planColumns } from '../../src/plan/plan-columns.ts';
import { quoteIdentifier } from '../../src/postgres/quoting.ts';
import {
  type CatalogColumn,
  readTargetTable,
  type TargetTable,
} from '../../src/postgres/target-table.ts';
import type { Field } from '../gcp/google.ts';
import { DATASET, openWorld, type World } from '../scenarios/fixture.ts';
import { arrayCellOf, type Cell, cellOf, MISSING_TARGETS } from './cells.ts';
import { declaredType, SETUP, UNLISTED } from './targets.ts';

const isMissing = (target: string) => (MISSING_TARGETS as readonly string[]).includes(target);

/** What the stand-in for BigQuery cannot compute: its BIGNUMERIC has no cast to FLOAT64. */
const isBeyondStandIn = (source: string, target: string) =>
  source === 'BIGNUMERIC' && /^float/.test(target);

/** One column of the big tables. */
interface Pair {
  readonly name: string;
  readonly source: SourceType;
  readonly target: string;
  readonly repeated: boolean;
  /** The target is an array too. */
  readonly array: boolean;
  readonly format: string;
  readonly cell: Cell | undefined;
}

const ELEMENT_PAIRS: readonly Pair[] = SOURCE_TYPES.flatMap((source) =>
  Object.entries(CONVERSIONS[source]).flatMap(([target, { format }]) => {
    const name = `${source} ${target}`.replaceAll(/[<>]/g, ' ');
    const pair = { source, target, format, cell: cellOf(source, target) };
    return [
      { ...pair, name, repeated: false, array: false },
      { ...pair, name: `${name} array`, repeated: true, array: true },
    ];
  }),
);
const ARRAYS_AS_JSON: readonly Pair[] = SOURCE_TYPES.flatMap((source) =>
  Object.entries(ARRAY_AS_JSON).map(([target, { format }]) => ({
    name: `${source} array in ${target}`.replaceAll(/[<>]/g, ' '),
    source,
    target,
    repeated: true,
    array: false,
    format,
    cell: arrayCellOf(source, target),
  })),
);
const PAIRS = [...ELEMENT_PAIRS, ...ARRAYS_AS_JSON].filter(
  ({ source, target }) => !isMissing(target) && !isBeyondStandIn(source, target),
);

function fieldOf({ name, source, repeated }: Pair): Field {
  const mode = repeated ? 'REPEATED' : 'NULLABLE';
  const element = /^RANGE<(.*)>$/.exec(source)?.[1];
  if (element !== undefined)
    return { name, mode, type: 'RANGE', rangeElementType: { type: element } };
  if (source !== 'STRUCT') return { name, mode, type: source };
  const fields = [
    { name: 'n', type: 'NUMERIC' },
    { name: 'b', type: 'BYTES' },
    { name: 't', type: 'TIMESTAMP' },
  ];
  return { name, mode, type: 'RECORD', fields };
}

const LITERALS = Object.fromEntries(
  SOURCE_TYPES.map((source) => [source, cellOf(source, 'text') ?? cellOf(source, 'bytea')]),
);

function literalOf({ source, cell, repeated, array }: Pair): string {
  const [literal = 'NULL'] = cell ?? LITERALS[source] ?? [];
  return repeated && (array || cell === undefined) ? `[${literal}, ${literal}]` : literal;
}

/** By Postgres, from what was written by hand. */
function expectedSql({ target, array, repeated, cell }: Pair): string {
  const type = declaredType(target);
  const text = `E'${(cell?.[1] ?? '').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  if (array) return `ARRAY[${text}, ${text}]::${type}[]::text`;
  return repeated && target === 'jsonb' ? `${text}::jsonb::text` : `${text}::text`;
}

let world: World;
beforeAll(async () => {
  world = await openWorld([{ name: 'unused', type: 'INT64' }]);
  await world.database.sql.unsafe(SETUP.join(';'));
});
afterAll(() => world[Symbol.asyncDispose]());

/** Loads one row of values and one of NULLs into a target that has a column for each pair. */
async function load(table: string, pairs: readonly Pair[]): Promise<void> {
  const { google, database } = world;
  const schema = [...pairs.map(fieldOf), { name: 'max_ingested_at', type: 'TIMESTAMP' }];
  await google.createTable(DATASET, table, schema);
  const values = [...pairs.map(literalOf), `TIMESTAMP '2024-01-01 00:00:00+00'`];
  const nulls = [...pairs.map(({ repeated }) => (repeated ? '[]' : 'NULL')), 'NULL'];
  await google.sql(`INSERT INTO ${DATASET}.${table} SELECT ${values.join(', ')}`);
  await google.sql(`INSERT INTO ${DATASET}.${table} SELECT ${nulls.join(', ')}`);
  const columns = pairs.map(
    ({ name, target, array }) =>
      `${quoteIdentifier(name)} ${declaredType(target)}${array ? '[]' : ''}`,
  );
  await database.sql.unsafe(
    `CREATE TABLE ${table} (${columns.join(', ')}, max_ingested_at timestamptz)`,
  );
  const outcome = await world.run({ 'bq-table': table, 'pg-table': table });
  const errors = outcome.lines.filter(({ severity }) => severity === 'ERROR');
  expect(errors).toEqual([]);
  expect(outcome.exitCode).toBe(0);
}

async function textsIn(table: string, pairs: readonly Pair[]): Promise<Record<string, unknown>[]> {
  const list = pairs.map(({ name }) => `${quoteIdentifier(name)}::text`);
  const sql = `SET timezone = 'UTC'; SELECT ${list.join(', ')} FROM ${table} ORDER BY max_ingested_at`;
  const [, rows] = (await world.database.sql.unsafe(sql)) as unknown as Record<string, unknown>[][];
  return rows ?? [];
}

async function expectedTexts(pairs: readonly Pair[]): Promise<Record<string, unknown>> {
  const list = pairs.map((pair) => `${expectedSql(pair)} AS ${quoteIdentifier(pair.name)}`);
  const sql = `SET timezone = 'UTC'; SELECT ${list.join(', ')}`;
  const [, rows] = (await world.database.sql.unsafe(sql)) as unknown as Record<string, unknown>[][];
  return { ...rows?.[0] };
}

describe('each pair that the table lists', () => {
  const scalars = PAIRS.filter(({ repeated }) => !repeated);
  const arrays = PAIRS.filter(({ repeated }) => repeated);
  const isBinary = ({ format }: Pair) => format === 'binary';
  const FORMATS = [
    ['binary', 'scalars_binary', scalars.filter(isBinary)],
    ['text', 'scalars_text', scalars],
    ['binary, arrays', 'arrays_binary', arrays.filter(isBinary)],
    ['text, arrays', 'arrays_text', arrays],
  ] as const;

  test.each(FORMATS)(
    'arrives in COPY %s as it was, NULL and empty too',
    async (_, table, pairs) => {
      await load(table, pairs);
      const told = pairs.filter(({ cell }) => cell !== undefined);
      const [row, nulls] = await textsIn(table, told);
      expect({ ...row }).toEqual(await expectedTexts(told));
      const empty = told.map(({ name, repeated, array }) => [
        name,
        array ? '{}' : repeated ? '[]' : null,
      ]);
      expect({ ...nulls }).toEqual(Object.fromEntries(empty));
    },
  );

  test('has a value written by hand, or is an array as JSON', () => {
    const bare = ELEMENT_PAIRS.filter(({ target, cell }) => !isMissing(target) && !cell);
    expect(bare).toEqual([]);
  });
});

function columnOf(source: SourceType, repeated = false): SourceColumn {
  const rest = { required: false, description: undefined, maxLength: undefined };
  const numbers = { precision: undefined, scale: undefined, picoseconds: false };
  return { name: 'c', type: source, repeated, ...rest, ...numbers };
}

function targetOf(table: TargetTable, column: CatalogColumn): TargetTable {
  return { ...table, columns: [{ ...column, name: 'c' }] };
}

describe('each pair that the table does not list', () => {
  const listed = new Set(Object.values(CONVERSIONS).flatMap((targets) => Object.keys(targets)));
  const names = [...[...listed].filter((name) => !isMissing(name)), ...UNLISTED];

  test('is refused, with both types and the way out', async () => {
    const { sql } = world.database;
    const columns = names.map(
      (name, i) => `t${i} ${declaredType(name)}, a${i} ${declaredType(name)}[]`,
    );
    await sql.unsafe(`CREATE TABLE every (${columns.join(', ')})`);
    const every = await readTargetTable(sql, { schema: 'public', name: 'every' });
    if (every === undefined) throw new Error('no table');
    let refused = 0;
    for (const [i, target] of names.entries()) {
      for (const source of SOURCE_TYPES) {
        for (const [repeated, array] of [
          [false, false],
          [true, true],
          [true, false],
          [false, true],
        ] as const) {
          const column = every.columns[2 * i + (array ? 1 : 0)] as CatalogColumn;
          const listed =
            repeated && !array
              ? ARRAY_AS_JSON[target]
              : repeated === array && CONVERSIONS[source][target];
          const plan = () =>
            planColumns(sourceOf(columnOf(source, repeated)), targetOf(every, column));
          if (listed) {
            expect(plan().columns[0]?.target).toBe('c');
            continue;
          }
          refused += 1;
          const type = repeated ? `ARRAY<${source}>` : source;
          expect(plan).toThrow(
            `column c is ${type} in BigQuery, which does not go into "c" of type ${column.type.text}`,
          );
        }
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });
});

const sourceOf = (...columns: readonly SourceColumn[]) => ({ columns, primaryKey: [] });

test('a GEOGRAPHY goes into PostGIS as WKT, with its reference system where that is not the default', () => {
  for (const [name, expression] of [
    ['geometry', "CONCAT('SRID=4326;', ST_ASTEXT(`c`))"],
    ['geography', 'ST_ASTEXT(`c`)'],
  ] as const) {
    const type = { name, oid: 1, array: false, kind: 'b', length: undefined, text: name };
    const place = { name: 'c', type, notNull: false, hasDefault: false };
    const columns = [{ ...place, identityAlways: false, generated: false }];
    const table = {
      oid: 1,
      name: { schema: 's', name: 't' },
      primaryKey: [],
      slots: 1,
      deferrableKey: false,
      rowSecurity: false,
      persistence: 'p',
      partitioning: undefined,
    };
    const { format, columns: planned } = planColumns(sourceOf(columnOf('GEOGRAPHY')), {
      ...table,
      columns,
    });
    expect([format, planned[0]?.expression]).toEqual(['text', expression]);
  }
});
