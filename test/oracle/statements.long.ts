import { beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { filterColumn } from '../../src/google/partition-filter.ts';
import { SOURCE_TYPES, type SourceType } from '../../src/google/source-columns.ts';
import { ARRAY_AS_JSON, ARRAY_AS_VECTOR, CONVERSIONS } from '../../src/plan/conversions.ts';
import type { TargetType } from '../../src/postgres/target-table.ts';
import type { Field } from '../gcp/google.ts';
import { ODD_NAMES } from './odd-names.ts';
import { type PlanCase, pathOf, statementsOf } from './plans.ts';
import { openZetaSql, type ZetaSql } from './zetasql.ts';

setDefaultTimeout(600_000);

let zetaSql: ZetaSql;
let withPicoseconds: ZetaSql;
beforeAll(async () => {
  zetaSql = await openZetaSql();
  withPicoseconds = await openZetaSql({ picoseconds: true });
});

const LOW = '2024-01-01 00:00:00.000001';
const LAST = '9999-12-31 23:59:59.999999';

const type = (name: string, array = false, more: Partial<TargetType> = {}): TargetType => ({
  ...{ name, oid: 1, array, kind: 'b', length: undefined, text: name + (array ? '[]' : '') },
  ...more,
});
const TIMESTAMPTZ = type('timestamptz');

function field(source: SourceType, name: string, repeated: boolean): Field {
  const mode = repeated ? 'REPEATED' : 'NULLABLE';
  const element = /^RANGE<(.*)>$/.exec(source)?.[1];
  if (element !== undefined)
    return { name, mode, type: 'RANGE', rangeElementType: { type: element } };
  if (source !== 'STRUCT') return { name, mode, type: source };
  const fields = [
    { name: 'a', type: 'INTEGER' },
    { name: 'b', type: 'STRING', mode },
  ] as const;
  return { name, mode, type: 'RECORD', fields };
}

const WATERMARKS: readonly Field[] = [
  { name: 'max_ingested_at', type: 'TIMESTAMP' },
  { name: 'Max_Ingested_At', type: 'DATETIME' },
  { name: 'max_ingested_at', type: 'TIMESTAMP', timestampPrecision: '12' },
];

/** The statements of the cases that are no GoogleSQL, each with what is wrong; and how many there are. */
function analyze(
  service: ZetaSql,
  cases: readonly PlanCase[],
): { readonly wrong: readonly string[]; readonly analyzed: number } {
  const catalog = service.catalog(cases.map((one) => [pathOf(one), one.fields]));
  const statements = new Set(cases.flatMap(statementsOf));
  const wrong = [...statements].flatMap((sql) => {
    try {
      service.analyze(sql, catalog);
      return [];
    } catch (error) {
      return [`${error}\n${sql}`];
    }
  });
  return { wrong, analyzed: statements.size };
}

const SIDES = [
  { low: undefined, filtered: false, key: [] },
  { low: LOW, filtered: true, key: ['a col'] },
  { low: undefined, filtered: true, key: ['a col', 'other'] },
  { low: LOW, filtered: false, key: [] },
  { low: LAST, filtered: false, key: ['a col'] },
] as const;

/** Every pair of types, as a column and as the key, in binary and in text, in every window. */
test.each(SOURCE_TYPES)('%s in every type that it goes into', (source) => {
  const scalars = Object.keys(CONVERSIONS[source]).flatMap((name) => [
    ...variants(name).map((target) => ({ repeated: false, target })),
    { repeated: true, target: type(name, true) },
  ]);
  const wholes = { ...ARRAY_AS_JSON, ...ARRAY_AS_VECTOR[source] };
  const arrays = Object.keys(wholes).map((name) => ({ repeated: true, target: type(name) }));
  const cases = [...scalars, ...arrays].flatMap(({ repeated, target }, pair) =>
    SIDES.map((side, at): PlanCase => {
      const watermark = WATERMARKS[(pair + at) % WATERMARKS.length] as Field;
      const other = { name: 'other', type: 'STRING' };
      const fields = [field(source, 'a col', repeated), other, watermark];
      const targets = [target, type((pair + at) % 2 === 0 ? 'text' : 'inet'), TIMESTAMPTZ];
      return { dataset: `d${pair}_${at}`, table: 'table', fields, targets, ...side };
    }),
  );
  const isFine = ({ fields }: PlanCase) => fields.some((each) => each.timestampPrecision === '12');
  const fine = analyze(withPicoseconds, cases.filter(isFine));
  const coarse = analyze(
    zetaSql,
    cases.filter((one) => !isFine(one)),
  );
  expect([...fine.wrong, ...coarse.wrong]).toEqual([]);
  expect(fine.analyzed + coarse.analyzed).toBeGreaterThan((4 * cases.length) / SIDES.length);
});

/** A type, and what it can declare: that decides about keys which are equal in the target. */
function variants(name: string): readonly TargetType[] {
  if (name === 'numeric') return [type(name), type(name, false, { text: 'numeric(10,2)' })];
  if (!/^timestamp/.test(name)) return [type(name)];
  return [type(name), ...[0, 3].map((length) => type(name, false, { length }))];
}

const COLUMN_TYPES = [
  'INTEGER',
  'STRING',
  'TIMESTAMP',
  'RECORD',
  'JSON',
  'FLOAT',
  'NUMERIC',
] as const;

/** Columns of one name each, and a table that may be called like one of them. */
const oddCases: fc.Arbitrary<Omit<PlanCase, 'dataset'>> = fc
  .record({
    columns: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...ODD_NAMES),
        type: fc.constantFrom(...COLUMN_TYPES),
        repeated: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8, selector: ({ name }) => name.toLowerCase() },
    ),
    table: fc.option(fc.constantFrom(...ODD_NAMES), { nil: undefined }),
    side: fc.constantFrom(...SIDES),
    keyed: fc.boolean(),
  })
  .map(({ columns, table, side, keyed }): Omit<PlanCase, 'dataset'> => {
    const fields = columns.map(({ name, type: of, repeated }) => ({
      ...field(of === 'RECORD' ? 'STRUCT' : (of as SourceType), name, repeated),
    }));
    const [first] = columns;
    const key = keyed && first !== undefined ? [first.name] : [];
    const all = [...fields, WATERMARKS[0] as Field];
    const targets = [
      ...columns.map(({ repeated }) => type(repeated ? 'jsonb' : 'text')),
      TIMESTAMPTZ,
    ];
    return { ...side, table: table ?? first?.name ?? '', fields: all, targets, key };
  });

test('columns and tables of any names', () => {
  const cases = fc.sample(oddCases, 800).map((one, at) => ({ ...one, dataset: `d${at}` }));
  const { wrong, analyzed } = analyze(zetaSql, cases);
  expect(wrong).toEqual([]);
  expect(analyzed).toBeGreaterThan(3000);
});

test('the statements that the hints of errors name', () => {
  const name = { project: 'p', dataset: 'd', table: 't', location: 'US' };
  const thrown = (() => {
    try {
      filterColumn(name, { requirePartitionFilter: true, timePartitioning: { type: 'DAY' } });
    } catch (error) {
      return error as { hint: string };
    }
    throw new Error('nothing was thrown');
  })();
  const statement = /ALTER TABLE .*?;?\)/.exec(thrown.hint)?.[0] ?? '';
  const catalog = zetaSql.catalog([[['p', 'd', 't'], [{ name: 'a', type: 'INTEGER' }]]]);
  zetaSql.analyze(statement.replace('`p.d.t`', '`p`.`d`.`t`'), catalog);
});
