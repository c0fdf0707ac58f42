import { WATERMARK_COLUMN } from '../google/source-name.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import { type Plan, targetColumns } from './plan.ts';

/** Rows that cannot go into the target by COPY wait here; the name hides no table of the user's. */
const TEMP_TABLE = 'pg_temp.bq_to_postgres_batch';

/** Where an increment's rows are copied to first: into the target itself, if nothing speaks against it. */
export function copyInto(plan: Plan): string {
  return needsTempTable(plan) ? TEMP_TABLE : quoteTable(plan.target);
}

/** By a primary key rows are merged, and under row security they are inserted. */
function needsTempTable(plan: Plan): boolean {
  return plan.primaryKey.length > 0 || plan.rowSecurity;
}

/** Columns that are new in BigQuery, in the same transaction as their first rows. */
export function addColumns(plan: Plan): readonly string[] {
  const table = quoteTable(plan.target);
  return plan.added.flatMap(({ name, type, comment }) => [
    `ALTER TABLE ${table} ADD COLUMN ${quoteIdentifier(name)} ${type}`,
    ...(comment === undefined
      ? []
      : [`COMMENT ON COLUMN ${table}.${quoteIdentifier(name)} IS ${quoteLiteral(comment)}`]),
  ]);
}

/**
 * A table with the columns of the export, and of the target's constraints only NOT NULL: the COPY
 * then names the row that breaks it.
 */
export function createTempTable(plan: Plan): readonly string[] {
  if (!needsTempTable(plan)) return [];
  const columns = targetColumns(plan).map(quoteIdentifier).join(', ');
  const notNull = plan.columns.flatMap(({ target, notNull }) =>
    target === undefined || !notNull
      ? []
      : [`ALTER TABLE ${TEMP_TABLE} ALTER COLUMN ${quoteIdentifier(target)} SET NOT NULL`],
  );
  return [
    `CREATE TEMPORARY TABLE bq_to_postgres_batch ON COMMIT DROP AS
     SELECT ${columns} FROM ${quoteTable(plan.target)} WITH NO DATA`,
    ...notNull,
  ];
}

/**
 * Moves the batch into the target. By a primary key the newest row of a key wins within the batch, and
 * a row of the target stays where it is newer.
 */
export function upsertStatement(plan: Plan): readonly string[] {
  if (!needsTempTable(plan)) return [];
  const columns = targetColumns(plan).map(quoteIdentifier);
  const key = plan.primaryKey.map(quoteIdentifier);
  if (key.length === 0) {
    return [
      `INSERT INTO ${quoteTable(plan.target)} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE
       SELECT ${columns.join(', ')} FROM ${TEMP_TABLE}`,
    ];
  }
  const age = ageOf(plan);
  const sets = columns
    .filter((column) => !key.includes(column))
    .map((column) => `${column} = EXCLUDED.${column}`);
  const update = `DO UPDATE SET ${sets.join(', ')}
     WHERE ${age('old.')} IS NULL OR ${age('old.')} <= ${age('EXCLUDED.')}`;
  return [
    `INSERT INTO ${quoteTable(plan.target)} AS old (${columns.join(', ')}) OVERRIDING SYSTEM VALUE
     SELECT DISTINCT ON (${key.join(', ')}) ${columns.join(', ')} FROM ${TEMP_TABLE}
     ORDER BY ${key.join(', ')}, ${age('')} DESC NULLS LAST
     ON CONFLICT (${key.join(', ')}) ${sets.length === 0 ? 'DO NOTHING' : update}`,
  ];
}

/** The max_ingested_at of a row, as what can be compared: where the target keeps it as text, that is read. */
function ageOf(plan: Plan): (row: string) => string {
  const column = plan.columns.find(
    ({ source, target }) => target !== undefined && source.toLowerCase() === WATERMARK_COLUMN,
  );
  const name = quoteIdentifier(column?.target ?? WATERMARK_COLUMN);
  const isTime = column === undefined || /^timestamp/.test(column.targetType);
  if (isTime) return (row) => `${row}${name}`;
  const type = plan.source.watermark.type === 'DATETIME' ? 'timestamp' : 'timestamptz';
  return (row) => `(${row}${name})::text::${type}`;
}
