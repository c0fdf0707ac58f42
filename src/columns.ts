import type { EncodedColumn } from './copy/encoder.ts';
import { ProjectorError } from './errors.ts';
import { IDENTIFIER_BYTES, quoteIdentifier, quoteTable } from './identifiers.ts';
import { WATERMARK_COLUMN } from './source.ts';
import type { AddedColumn } from './swap/columns.ts';
import { ARRAY_AS_JSON, CONVERSIONS, type Conversion } from './types/conversions.ts';
import { defaultTargetType, defaultType } from './types/default-type.ts';
import {
  civilMicros,
  columnExpression,
  eachElement,
  timestampMicros,
} from './types/expressions.ts';
import { type SourceColumn, sourceTypeText } from './types/source.ts';
import type { TargetColumn, TargetTable } from './types/target.ts';

/** A column of the export: where it comes from, how it travels, where it goes. */
export interface Column extends EncodedColumn {
  /** The BigQuery column. */
  readonly source: string;
  readonly sourceType: string;
  /** The GoogleSQL that the export selects as `alias`. */
  readonly expression: string;
  /** The Postgres column; undefined for the one that is only looked at. */
  readonly target: string | undefined;
  readonly targetType: string;
  /** The Postgres column is NOT NULL. */
  readonly notNull: boolean;
}

export interface ColumnPlan {
  readonly format: 'binary' | 'text';
  readonly columns: readonly Column[];
  /** Columns that the target lacks. */
  readonly added: readonly AddedColumn[];
  readonly warnings: readonly string[];
}

type Place = Pick<TargetColumn, 'name' | 'type' | 'notNull'>;

interface Pair {
  readonly source: SourceColumn;
  readonly target: Place;
  readonly conversion: Conversion;
}

/**
 * Decides for each column of the source where it goes and how. Throws for a pair of types that does
 * not convert, for a target column that would stay without a value it needs, for more columns than
 * PostgreSQL has room for, and for an increment that could not be merged.
 */
export function planColumns(
  sources: readonly SourceColumn[],
  target: TargetTable | undefined,
  mode: 'full' | 'incremental' = 'full',
): ColumnPlan {
  const added: AddedColumn[] = [];
  const warnings: string[] = [];
  const pairs: Pair[] = [];
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
  checkNames(pairs);
  if (mode === 'incremental' && target !== undefined) checkMerge(pairs, target);
  warnings.push(...renamed(added, sources), ...notFilled(pairs, target), ...losses(pairs));
  const format = pairs.some(({ conversion }) => conversion.format === 'text') ? 'text' : 'binary';
  const columns = pairs.map((pair, i) => toColumn(pair, i, format));
  return { format, columns: withWatermark(columns, pairs, sources), added, warnings };
}

/** BigQuery's names ignore case: an exact match wins, then the only one that differs in case. */
function findTarget(
  source: SourceColumn,
  target: TargetTable | undefined,
): TargetColumn | undefined {
  const name = targetName(source.name);
  const columns = target?.columns ?? [];
  const exact = columns.find((column) => column.name === name);
  if (exact !== undefined) return exact;
  const alike = columns.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  if (alike.length < 2) return alike[0];
  throw new ProjectorError({
    code: 'AMBIGUOUS_COLUMN',
    message: `column ${source.name} could go into ${alike.map((column) => quoteIdentifier(column.name)).join(' or ')}`,
    next: `Rename one of them to exactly ${quoteIdentifier(name)}.`,
  });
}

/** Columns that every table has already (SystemAttributeDefinition in the server's heap.c). */
const SYSTEM_COLUMNS = new Set(['tableoid', 'cmax', 'xmax', 'cmin', 'xmin', 'ctid']);

/**
 * The Postgres name of a BigQuery column: the same, unless it is a system column's, which gets an
 * underscore, or longer than an identifier can be. Then it is cut, and ends in eight digits of its
 * hash, so that two long names stay two.
 */
export function targetName(name: string): string {
  if (SYSTEM_COLUMNS.has(name)) return `${name}_`;
  const bytes = Buffer.from(name);
  if (bytes.length <= IDENTIFIER_BYTES) return name;
  const hash = new Bun.CryptoHasher('sha256').update(name).digest('hex').slice(0, 8);
  let end = IDENTIFIER_BYTES - hash.length - 1;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString()}_${hash}`;
}

function newPlace(source: SourceColumn): Place {
  const name = targetName(source.name);
  return { name, type: defaultTargetType(source), notNull: false };
}

/** Two columns of the source that have one place in the target. */
function checkNames(pairs: readonly Pair[]): void {
  const places = new Map<string, string>();
  for (const { source, target } of pairs) {
    const other = places.get(target.name);
    if (other !== undefined) {
      throw new ProjectorError({
        code: 'AMBIGUOUS_COLUMN',
        message: `columns ${other} and ${source.name} would both go into ${quoteIdentifier(target.name)}`,
        next: 'Read the table through a view that renames one of them.',
      });
    }
    places.set(target.name, source.name);
  }
}

function renamed(
  added: readonly AddedColumn[],
  sources: readonly SourceColumn[],
): readonly string[] {
  const names = new Set(added.map(({ name }) => name));
  return sources.flatMap((source) => {
    const name = targetName(source.name);
    if (name === source.name || !names.has(name)) return [];
    return [`column ${source.name} is called ${name} in PostgreSQL, which cannot have that name`];
  });
}

function newColumn(source: SourceColumn, withNotNull: boolean): AddedColumn {
  return {
    name: targetName(source.name),
    type: defaultType(source),
    notNull: withNotNull && source.required,
    ...(source.description !== undefined && { comment: source.description }),
  };
}

function findConversion(
  source: SourceColumn,
  { name, type }: Place,
  target: TargetTable | undefined,
): Conversion {
  const key = type.kind === 'e' ? 'enum' : type.kind === 'c' ? 'composite' : type.name;
  const found =
    source.repeated && !type.array
      ? ARRAY_AS_JSON[key]
      : source.repeated === type.array
        ? CONVERSIONS[source.type][key]
        : undefined;
  if (found !== undefined) return found;
  const column = quoteIdentifier(name);
  const alter = `ALTER TABLE ${tableText(target)}`;
  throw new ProjectorError({
    code: 'TYPES_DO_NOT_CONVERT',
    message: `column ${source.name} is ${sourceTypeText(source)} in BigQuery, which does not go into ${column} of type ${type.text}${type.name.startsWith('money of') ? ' under this lc_monetary' : ''}`,
    next: `Change the type (${alter} ALTER COLUMN ${column} TYPE ${defaultType(source)} USING ...), or read the table through a view that casts the column. If the type was changed in BigQuery: ${alter} DROP COLUMN ${column}, and set the watermark in sync_state to NULL for a full load.`,
  });
}

function tableText(target: TargetTable | undefined): string {
  return target === undefined ? '...' : quoteTable(target.name);
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
    next: 'Read the table through a view that selects fewer columns, or packs some of them into a STRUCT.',
  });
}

/** An increment of a keyed target is merged by ON CONFLICT ... DO UPDATE, which has its conditions. */
function checkMerge(pairs: readonly Pair[], target: TargetTable): void {
  const { primaryKey } = target;
  if (primaryKey.length === 0) return;
  const table = quoteTable(target.name);
  const key = primaryKey.map(quoteIdentifier).join(', ');
  const refuse = (message: string, next: string) => {
    throw new ProjectorError({ code: 'CANNOT_MERGE', message, next });
  };
  if (target.deferrableKey) {
    refuse(
      `the primary key (${key}) of ${table} is DEFERRABLE, and ON CONFLICT takes no such key`,
      'Make the primary key anew, NOT DEFERRABLE, or set the watermark in sync_state to NULL for a full load.',
    );
  }
  const filled = new Set(pairs.map((pair) => pair.target.name));
  const missing = primaryKey.find((name) => !filled.has(name));
  if (missing !== undefined) {
    refuse(
      `BigQuery has no column for ${quoteIdentifier(missing)} of the primary key (${key}) of ${table}, so new rows cannot be merged by it`,
      'Make a primary key of columns that BigQuery has, or a UNIQUE constraint instead (then rows are appended), or set the watermark in sync_state to NULL for a full load.',
    );
  }
  if (!pairs.some(({ source }) => source.name.toLowerCase() === WATERMARK_COLUMN)) {
    refuse(
      `column ${WATERMARK_COLUMN} of ${table} is generated, so it does not tell which row of a key is newer`,
      `Drop the expression: ALTER TABLE ${table} ALTER COLUMN ${WATERMARK_COLUMN} DROP EXPRESSION;`,
    );
  }
  const fixed = target.columns.find(
    ({ name, identityAlways }) => identityAlways && filled.has(name) && !primaryKey.includes(name),
  );
  if (fixed !== undefined) {
    refuse(
      `column ${quoteIdentifier(fixed.name)} of ${table} is GENERATED ALWAYS, so merged rows cannot change it`,
      `ALTER TABLE ${table} ALTER COLUMN ${quoteIdentifier(fixed.name)} SET GENERATED BY DEFAULT;`,
    );
  }
}

/** Target columns without a source keep their default, or stay NULL. */
function notFilled(pairs: readonly Pair[], target: TargetTable | undefined): readonly string[] {
  const filled = new Set(pairs.map((pair) => pair.target.name));
  const rest = (target?.columns ?? []).filter(
    (column) => !filled.has(column.name) && !column.generated && !column.hasDefault,
  );
  const bad = rest.find((column) => column.notNull);
  if (bad === undefined) {
    return rest.map(
      (column) =>
        `column ${column.name} of the target is not in BigQuery: new rows have NULL there`,
    );
  }
  throw new ProjectorError({
    code: 'COLUMN_NOT_IN_SOURCE',
    message: `column ${quoteIdentifier(bad.name)} of the target is NOT NULL without a default, and BigQuery has no such column`,
    next: `Give it a default, or: ALTER TABLE ${tableText(target)} ALTER COLUMN ${quoteIdentifier(bad.name)} DROP NOT NULL;`,
  });
}

function losses(pairs: readonly Pair[]): readonly string[] {
  return pairs.flatMap(({ source, target, conversion }) => {
    const told: string[] = [];
    const { name, length, text } = target.type;
    const of = `values of ${source.name}`;
    if (conversion.loss) told.push(`${of} are ${conversion.loss}, as ${text} does`);
    if (source.picoseconds && /^timestamp/.test(name))
      told.push(`${of} are cut to microseconds, which is what PostgreSQL holds`);
    const cut = name === 'interval' || (/^time/.test(name) && (length ?? 6) < 6);
    if (cut && length !== undefined) told.push(`${of} are rounded or cut as ${text} declares`);
    return told;
  });
}

/** pg_type.typdelim: box in pg_type.dat, the others in PostGIS's postgis.sql and geography.sql. */
const DELIMITERS: Readonly<Record<string, string>> = { box: ';', geometry: ':', geography: ':' };

function toColumn(pair: Pair, index: number, format: 'binary' | 'text'): Column {
  const { source, target, conversion } = pair;
  const asText = format === 'text' ? conversion.textExpression : undefined;
  const convert = asText ?? conversion.expression;
  const name = columnExpression(source.name);
  const array = source.repeated && target.type.array;
  return {
    alias: `c${index}`,
    source: source.name,
    sourceType: sourceTypeText(source),
    expression: array ? eachElement(name, convert, source.name) : convert(name, source.name),
    target: target.name,
    targetType: target.type.text,
    notNull: target.notNull,
    kind: asText === undefined ? conversion.kind : 'text',
    array,
    elementOid: target.type.oid,
    delimiter: DELIMITERS[target.type.name] ?? ',',
    maxChars: ['varchar', 'bpchar'].includes(target.type.name) ? target.type.length : undefined,
    watermark: false,
    emit: true,
  };
}

/** Marks the column whose longs are the watermark, or adds one that is only looked at. */
function withWatermark(
  columns: readonly Column[],
  pairs: readonly Pair[],
  sources: readonly SourceColumn[],
): readonly Column[] {
  const at = pairs.findIndex((pair) => pair.source.name.toLowerCase() === WATERMARK_COLUMN);
  const column = columns[at];
  if (column?.kind === 'int8' && /^timestamp/.test(column.targetType)) {
    return columns.map((each, i) => (i === at ? { ...each, watermark: true } : each));
  }
  const source = sources.find((each) => each.name.toLowerCase() === WATERMARK_COLUMN);
  return [...columns, hiddenWatermark(source, `c${columns.length}`)];
}

function hiddenWatermark(source: SourceColumn | undefined, alias: string): Column {
  const name = columnExpression(source?.name ?? WATERMARK_COLUMN);
  return {
    alias,
    source: source?.name ?? WATERMARK_COLUMN,
    sourceType: source?.type ?? 'TIMESTAMP',
    expression: (source?.type === 'DATETIME' ? civilMicros : timestampMicros)(
      name,
      WATERMARK_COLUMN,
    ),
    target: undefined,
    targetType: 'bigint',
    notNull: false,
    kind: 'int8',
    array: false,
    elementOid: 20,
    maxChars: undefined,
    watermark: true,
    emit: false,
  };
}
