import { ENCODINGS } from '../../src/copy/encodings.ts';
import { quoteBigQueryPath } from '../../src/google/bigquery-quoting.ts';
import { readSource, type Source } from '../../src/google/source.ts';
import { type SourceName, sourcePath } from '../../src/google/source-name.ts';
import { targetName } from '../../src/plan/column-names.ts';
import { snapshotCountQuery } from '../../src/plan/export-statement.ts';
import { type Plan, planFullLoad, planIncrement } from '../../src/plan/plan.ts';
import { countQuery } from '../../src/plan/watermark-window.ts';
import type { CatalogColumn, TargetTable, TargetType } from '../../src/postgres/target-table.ts';
import { invalidRow } from '../../src/run/row-errors/invalid-value.ts';
import { equalKeysQuery, longestValuesQuery } from '../../src/run/row-errors/row-query.ts';
import type { Field } from '../gcp/google.ts';

/** A source and a target, as both catalogs would tell of them. */
export interface PlanCase {
  /** Of its own, so that many cases can share one catalog. */
  readonly dataset: string;
  readonly table: string;
  readonly fields: readonly Field[];
  /** The types of the target's columns, in the order of `fields`; undefined: there is no target. */
  readonly targets: readonly TargetType[] | undefined;
  /** Names of the columns of the primary key. */
  readonly key: readonly string[];
  /** The table takes no query without a filter on max_ingested_at. */
  readonly filtered: boolean;
  readonly low: string | undefined;
}

const PROJECT = 'my-project';

const nameOf = ({ dataset, table }: PlanCase): SourceName => ({
  ...{ project: PROJECT, dataset, table, location: 'US' },
});

/** The path of the source. */
export const pathOf = ({ dataset, table }: PlanCase): readonly string[] => [
  ...[PROJECT, dataset, table],
];

/** Every statement of a run that BigQuery gets, or that an error of its could show. */
export function statementsOf(one: PlanCase): readonly string[] {
  const source = sourceOf(one);
  const plan = planOf(one, source);
  const { key, low } = plan;
  return [
    countQuery(source, low),
    ...plan.jobs.slice(0, 1).map(({ sql }) => sql),
    snapshotCountQuery({ source, low, key }, 1_700_000_000_000),
    longestValuesQuery(plan),
    rowQueryOf(plan),
    ...(key === undefined ? [] : [equalKeysQuery({ source, key, low })]),
  ].map((sql) => splitPath(one, sql));
}

/** The query of the error for a row that breaks a constraint. */
function rowQueryOf(plan: Plan): string {
  const row = plan.columns.map(({ encoding }) => SOME_VALUE[ENCODINGS[encoding].avro]);
  const { hint = '' } = invalidRow(plan, row, { code: '23514', constraint_name: 'c' });
  return /^Find the row in BigQuery: (.*;) Correct it/s.exec(hint)?.[1] ?? hint;
}

const SOME_VALUE = {
  long: '1',
  double: '1e+30',
  boolean: 't',
  bytes: '\\x00',
  string: 'x',
} as const;

/** A statement as ZetaSQL takes it, which does not split a path in one pair of backticks. */
export function splitPath(one: PlanCase, sql: string): string {
  const parts = pathOf(one).map((part) => quoteBigQueryPath(part));
  return sql.replaceAll(sourcePath(nameOf(one)), parts.join('.'));
}

/** The source as tables.get would tell of it. */
export function sourceOf(one: PlanCase): Source {
  return readSource(nameOf(one), {
    type: 'TABLE',
    schema: { fields: [...one.fields] },
    tableConstraints: { primaryKey: { columns: [...one.key] } },
    ...(one.filtered && {
      requirePartitionFilter: true,
      timePartitioning: { type: 'DAY', field: 'max_ingested_at' },
    }),
  } as Parameters<typeof readSource>[1]);
}

/** An increment where there is a target and a watermark, else a full load. */
export function planOf(one: PlanCase, source = sourceOf(one)): Plan {
  const table = one.targets === undefined ? undefined : targetTable(one, one.targets);
  const request = {
    ...{ runId: '20240101t000000z-0123456789ab', attempt: 1, source, table },
    ...{ target: { schema: 'public', name: 'target' }, dependents: undefined, targetWarnings: [] },
    ...{ counted: { rows: 1, newest: undefined }, bucket: 'bucket', project: 'billed' },
  };
  return table === undefined || one.low === undefined
    ? planFullLoad(request)
    : planIncrement({ ...request, table }, one.low);
}

function targetTable({ fields, key }: PlanCase, targets: readonly TargetType[]): TargetTable {
  const columns = fields.map(
    ({ name }, at): CatalogColumn => ({
      ...{
        name: targetName(name),
        type: targets[at] as TargetType,
        notNull: false,
        hasDefault: false,
      },
      ...{ identityAlways: false, generated: false },
    }),
  );
  return {
    ...{ oid: 1, name: { schema: 'public', name: 'target' }, columns, slots: columns.length },
    ...{
      primaryKey: key.map(targetName),
      deferrableKey: false,
      rowSecurity: false,
      persistence: 'p',
      partitioning: undefined,
    },
  };
}
