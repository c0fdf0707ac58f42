import { ProjectorError } from '../errors.ts';
import type { Source } from '../google/source.ts';
import type { SourceColumn } from '../google/source-columns.ts';
import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import type { TargetTable } from '../postgres/target-table.ts';
import type { AddedColumn } from '../swap/objects/columns.ts';
import { columnList } from './column-list.ts';
import {
  type ColumnMapping,
  findConversion,
  quoteTarget,
  type TargetColumn,
} from './column-mapping.ts';
import { checkNames, findTarget, renamed, targetName } from './column-names.ts';
import { defaultTargetType, defaultType } from './default-type.ts';
import { type Column, exportColumns } from './export-column.ts';
import { checkPartitions, isPartitioned } from './partition-conditions.ts';
import { type RowKey, rowKey } from './row-key.ts';
import { checkUpsert } from './upsert-conditions.ts';
import { declaredNumeric } from './widen-columns.ts';

/** Where each column of the source goes and how, and what there is to say about it. */
export interface ColumnPlan {
  readonly format: 'binary' | 'text';
  readonly mappings: readonly ColumnMapping[];
  readonly columns: readonly Column[];
  /** undefined: the target has no primary key, or one that BigQuery has no columns for. */
  readonly key: RowKey | undefined;
  /** Columns that the target lacks. */
  readonly added: readonly AddedColumn[];
  readonly warnings: readonly string[];
}

/**
 * Decides for each column of the source where it goes and how. Throws for a pair of types that does
 * not convert, for a target column that would stay without a value it needs, for more columns than
 * PostgreSQL has room for, and for an increment that could not be merged.
 */
export function planColumns(
  source: Pick<Source, 'columns' | 'primaryKey'>,
  target: TargetTable | undefined,
  mode: 'full' | 'incremental' = 'full',
): ColumnPlan {
  const sources = source.columns;
  const added: AddedColumn[] = [];
  const warnings: string[] = [];
  const pairs: ColumnMapping[] = [];
  for (const source of sources) {
    const place = findTarget(source, target);
    if (place?.generated) {
      warnings.push(
        `column ${place.name} of the target is generated: ${source.name} is not loaded`,
      );
      continue;
    }
    if (place === undefined) added.push(newColumn(source, target === undefined));
    const to = place ?? newPlace(source);
    pairs.push({ source, target: to, conversion: findConversion(source, to, target) });
  }
  checkWidth(pairs.length, target, added);
  if (target !== undefined && (mode === 'incremental' || isPartitioned(target)))
    checkSlots(target, added);
  if (target !== undefined) checkPartitions(target, added, mode);
  checkNames(pairs);
  if (mode === 'incremental' && target !== undefined) checkUpsert(pairs, target);
  const gone = notFilled(pairs, target);
  warnings.push(...renamed(added, sources), ...losses(pairs));
  warnings.push(...(mode === 'full' ? goneWarnings(gone) : renameWarnings(added, gone)));
  const format = pairs.some(({ conversion }) => conversion.format === 'text') ? 'text' : 'binary';
  const key = rowKey(target?.primaryKey ?? source.primaryKey.map(targetName), pairs);
  const columns = exportColumns(pairs, source, format, key);
  return { format, mappings: pairs, columns, key, added: keyed(added, target, key), warnings };
}

/** The key of a new target: its columns take no NULL, as BigQuery's key declares without seeing to it. */
function keyed(
  added: readonly AddedColumn[],
  target: TargetTable | undefined,
  key: RowKey | undefined,
): readonly AddedColumn[] {
  if (target !== undefined || key === undefined) return added;
  return added.map((column) => ({
    ...column,
    notNull: column.notNull || key.columns.includes(column.name),
  }));
}

function newPlace(source: SourceColumn): TargetColumn {
  const name = targetName(source.name);
  return { name, type: defaultTargetType(source), notNull: false, identityAlways: false };
}

function newColumn(source: SourceColumn, withNotNull: boolean): AddedColumn {
  return {
    name: targetName(source.name),
    type: defaultType(source),
    notNull: withNotNull && source.required,
    ...(source.description !== undefined && { comment: source.description }),
  };
}

/** MaxHeapAttributeNumber in the server's htup_details.h. */
const MAX_COLUMNS = 1600;

function checkWidth(
  loaded: number,
  target: TargetTable | undefined,
  added: readonly AddedColumn[],
): void {
  const width = (target?.columns.length ?? 0) + added.length;
  if (width <= MAX_COLUMNS) return;
  throw new ProjectorError({
    code: 'TOO_MANY_COLUMNS',
    message: `the source has ${loaded} columns, and the target would have ${width}: PostgreSQL's limit is ${MAX_COLUMNS} columns a table`,
    hint: 'Read the table through a view that selects fewer columns, or packs some of them into a STRUCT.',
  });
}

/**
 * A full load creates the table again, without what was dropped; an increment has to live with it, and so
 * has a partitioned table, which stays.
 */
function checkSlots(target: TargetTable, added: readonly AddedColumn[]): void {
  if (added.length === 0 || target.slots + added.length <= MAX_COLUMNS) return;
  const dropped = target.slots - target.columns.length;
  throw new ProjectorError({
    code: 'TOO_MANY_COLUMNS',
    message: `${quoteTable(target.name)} has no room for the source's new columns (${added.length}): PostgreSQL's limit is ${MAX_COLUMNS} columns a table, and ${dropped} dropped ones count`,
    hint: isPartitioned(target)
      ? 'Create the partitioned table again, without them.'
      : 'Set the watermark in sync_state to NULL: a full load creates the table again, without them.',
  });
}

/** Target columns without a source that stay NULL; the others keep their default. */
function notFilled(
  pairs: readonly ColumnMapping[],
  target: TargetTable | undefined,
): readonly string[] {
  const filled = new Set(pairs.map((pair) => pair.target.name));
  const rest = (target?.columns ?? []).filter(
    (column) => !filled.has(column.name) && !column.generated && !column.hasDefault,
  );
  const bad = rest.find((column) => column.notNull);
  if (bad === undefined) return rest.map(({ name }) => name);
  throw new ProjectorError({
    code: 'COLUMN_NOT_IN_SOURCE',
    message: `column ${quoteIdentifier(bad.name)} of the target is NOT NULL without a default, and BigQuery has no such column`,
    hint: `Give it a default, or: ALTER TABLE ${quoteTarget(target)} ALTER COLUMN ${quoteIdentifier(bad.name)} DROP NOT NULL;`,
  });
}

function goneWarnings(gone: readonly string[]): readonly string[] {
  if (gone.length === 0) return [];
  const [noun, verb] = gone.length === 1 ? ['column', 'is'] : ['columns', 'are'];
  return [
    `${noun} ${columnList(gone)} of the target ${verb} not in BigQuery: new rows have NULL there`,
  ];
}

/** BigQuery does not tell a column that was renamed from one that was dropped and one that is new. */
function renameWarnings(added: readonly AddedColumn[], gone: readonly string[]): readonly string[] {
  if (added.length === 0 || gone.length === 0) return goneWarnings(gone);
  const old = columnList(gone);
  return [
    `new in BigQuery: ${columnList(added.map(({ name }) => name))}; no longer there: ${old}. If that is a column which was renamed, older rows have their values under the old name, and NULL under the new one. For all of them under the new name, set the watermark in sync_state to NULL for a full load, and drop ${old} after it`,
  ];
}

function losses(pairs: readonly ColumnMapping[]): readonly string[] {
  const found = pairs.flatMap((pair) => lossesOf(pair).map((loss) => ({ loss, pair })));
  return [...Map.groupBy(found, ({ loss }) => loss)].map(
    ([loss, alike]) => `values of ${columnList(alike.map(({ pair }) => pair.source.name))} ${loss}`,
  );
}

function lossesOf({ source, target, conversion }: ColumnMapping): readonly string[] {
  const { name, length, text } = target.type;
  const isCut = name === 'interval' || (/^time/.test(name) && (length ?? 6) < 6);
  return [
    conversion.loss && `are ${conversion.loss}, as ${text} does`,
    source.picoseconds &&
      /^timestamp/.test(name) &&
      'are cut to microseconds, which is what PostgreSQL holds',
    isRoundedTo(source, declaredNumeric(text)?.scale) &&
      `are rounded to the scale that ${text} declares`,
    isCut && length !== undefined && `are rounded or cut as ${text} declares`,
  ].filter((loss) => typeof loss === 'string');
}

/** Whether BigQuery has, or may have, more digits behind the point. */
function isRoundedTo(
  { type, precision, scale }: SourceColumn,
  digits: number | undefined,
): boolean {
  if (digits === undefined) return false;
  if (type !== 'NUMERIC' && type !== 'BIGNUMERIC') return type === 'FLOAT64' || type === 'STRING';
  const most = type === 'NUMERIC' ? 9 : 38;
  return (precision === undefined ? most : (scale ?? 0)) > digits;
}
