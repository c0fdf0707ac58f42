import { ProjectorError } from '../../errors.ts';
import { quoteBigQueryPath, quoteBigQueryString } from '../../google/bigquery-quoting.ts';
import type { Column } from '../../plan/export-column.ts';
import type { Plan } from '../../plan/plan.ts';
import type { PartitionLevel, PartitionPlace } from '../../postgres/partitioning.ts';
import {
  fitIdentifier,
  isSameTable,
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
  tableText,
} from '../../postgres/quoting.ts';
import { CHECK_VIOLATION } from '../../postgres/sqlstates.ts';
import { boundCheckName } from '../../swap/build/staging-tree.ts';
import { stagingOf } from '../../swap/temporary-names.ts';
import type { Row } from './find-row.ts';
import { rowQuery, tellingConditions } from './row-query.ts';

/** The fields of a server's error that tell a row without a partition from one that breaks a CHECK. */
interface ServerError {
  readonly code?: string;
  readonly detail?: string;
  readonly schema_name?: string;
  readonly table_name?: string;
  readonly constraint_name?: string;
}

/**
 * What to tell of a row that no partition takes, or that the partition which is the target does not
 * take; undefined: it is another error. `row` is the row, where it is known.
 */
export function explainNoPartition(
  plan: Plan,
  error: unknown,
  row: Row | undefined,
): ProjectorError | undefined {
  const { levels = [], place = null } = plan.table?.partitioning ?? {};
  const { code, detail = '', constraint_name: constraint } = (error ?? {}) as ServerError;
  if (code !== CHECK_VIOLATION) return undefined;
  // The server names the constraint of a CHECK, and none of a bound.
  const isBound = constraint === undefined || isBoundCheck(plan, constraint);
  if (!isBound) return undefined;
  const level = levels.find((table) => isRaisedBy(plan, table, error as ServerError));
  const key = KEY_DETAIL.exec(detail)?.groups;
  if (level !== undefined && key !== undefined) return noPartition(plan, level, key, row, error);
  return place === null ? undefined : outsideBound(plan, place, row, error);
}

/** `Partition key of the failing row contains (day) = (2027-01-01).`, in any language. */
const KEY_DETAIL = /\((?<columns>.*?)\) = \((?<values>.*)\)/s;

function isBoundCheck(plan: Plan, constraint: string): boolean {
  if (plan.mode !== 'full') return false;
  const { target, staging, dependents, added } = plan;
  const tables = dependents?.tables ?? [];
  return tables.some(
    (table) => boundCheckName({ target, staging, dependents, added }, table) === constraint,
  );
}

function isRaisedBy(plan: Plan, level: PartitionLevel, error: ServerError): boolean {
  const table = plan.mode === 'full' ? stagingOf(plan, level) : level;
  const { schema_name: schema = '', table_name: name = '' } = error;
  return isSameTable(table, { schema, name });
}

function noPartition(
  plan: Plan,
  level: PartitionLevel,
  { columns = '', values = '' }: Readonly<Record<string, string>>,
  row: Row | undefined,
  cause: unknown,
): ProjectorError {
  const [names, cells] = [splitList(columns), splitList(values)];
  const conditions = names.map((name, i) => keyCondition(plan, name, cells[i]));
  const isKnown = names.length === cells.length && !conditions.includes(undefined);
  const found = isKnown ? conditions.join(' AND ') : tellingConditions(plan, row);
  const [key, value] = names.length === 1 ? [columns, values] : [`(${columns})`, `(${values})`];
  return new ProjectorError({
    code: 'VALUE_DOES_NOT_FIT',
    message: `no partition of ${quoteTable(level)} takes rows with ${key} = ${value}`,
    hint: `Nothing was made visible. Find the rows in BigQuery: ${rowQuery(plan, found)} Or create their partition: ${createPartition(level, names.length === 1 ? [values] : cells)}`,
    cause,
  });
}

function outsideBound(
  plan: Plan,
  { parent, bound }: PartitionPlace,
  row: Row | undefined,
  cause: unknown,
): ProjectorError {
  return new ProjectorError({
    code: 'VALUE_DOES_NOT_FIT',
    message: `a row does not belong to ${quoteTable(plan.target)}, which is the partition ${bound} of ${quoteTable(parent)}`,
    hint: `Nothing was made visible. Find the row in BigQuery: ${rowQuery(plan, tellingConditions(plan, row))} Or load the whole: --pg-table ${tableText(parent)}.`,
    cause,
  });
}

/** Enough for the names and values of a key: the number of parts tells whether one has a comma in it. */
function splitList(text: string): readonly string[] {
  return text.split(', ');
}

/** The rows of BigQuery with that value in the column; undefined: the key has an expression there. */
function keyCondition(plan: Plan, name: string, value: string | undefined): string | undefined {
  const column = plan.columns.find(
    ({ target }) => target !== undefined && (target === name || quoteIdentifier(target) === name),
  );
  if (column === undefined || value === undefined) return undefined;
  const path = quoteBigQueryPath(column.source);
  if (value === 'null') return `${path} IS NULL`;
  const cut = /^(?<start>.{20,})\.\.\.$/s.exec(value)?.groups?.['start'];
  if (cut !== undefined) return `STARTS_WITH(${path}, ${quoteBigQueryString(cut)})`;
  const toDate = column.targetType === 'date' && /TIME/.test(column.sourceType);
  return `${toDate ? `DATE(${path})` : path} = ${bigQueryLiteral(column, value)}`;
}

function bigQueryLiteral({ sourceType }: Column, value: string): string {
  if (/^(?:INT64|FLOAT64|NUMERIC|BIGNUMERIC)/.test(sourceType)) return value;
  if (sourceType === 'BOOL') return value === 't' ? 'TRUE' : 'FALSE';
  return quoteBigQueryString(value);
}

/** The statement that makes a partition for the values: for a range only a reader knows where it ends. */
function createPartition(level: PartitionLevel, values: readonly string[]): string {
  const name = (suffix: string) =>
    quoteTable({ schema: level.schema, name: fitIdentifier(level.name, `_${suffix}`) });
  const create = (suffix: string, bound: string) =>
    `CREATE TABLE ${name(suffix)} PARTITION OF ${quoteTable(level)} ${bound};`;
  const literals = values.map((value) => (value === 'null' ? 'NULL' : quoteLiteral(value)));
  const suffix = values.join('_').replaceAll(/\W+/g, '_').slice(0, 20);
  const [strategy] = level.key.split(' ');
  if (strategy === 'LIST') return create(suffix, `FOR VALUES IN (${literals.join(', ')})`);
  if (strategy === 'HASH') {
    return missingRemainders(level.hashBounds)
      .map(({ modulus, remainder }) =>
        create(`${remainder}`, `FOR VALUES WITH (MODULUS ${modulus}, REMAINDER ${remainder})`),
      )
      .join(' ');
  }
  const rest = create('default', 'DEFAULT');
  if (literals.includes('NULL')) return rest;
  return `${rest} or, with the end that you choose: ${create(suffix, `FOR VALUES FROM (${literals.join(', ')}) TO (...)`)}`;
}

/** The remainders of the greatest modulus that no partition has: each modulus divides the next. */
function missingRemainders(bounds: readonly string[]) {
  const taken = bounds.map((bound) => {
    const [modulus = 1, remainder = 0] = (bound.match(/\d+/g) ?? []).map(Number);
    return { modulus, remainder };
  });
  const modulus = Math.max(1, ...taken.map((bound) => bound.modulus));
  return Array.from({ length: modulus }, (_, remainder) => ({ modulus, remainder })).filter(
    ({ remainder }) => !taken.some((bound) => remainder % bound.modulus === bound.remainder),
  );
}
