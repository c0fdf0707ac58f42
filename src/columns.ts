import type { EncodedColumn } from './copy/encoder.ts';
import { ProjectorError } from './errors.ts';
import { IDENTIFIER_BYTES, quoteIdentifier } from './identifiers.ts';
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
import type { TargetColumn, TargetTable, TargetType } from './types/target.ts';

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
}

export interface ColumnPlan {
  readonly format: 'binary' | 'text';
  readonly columns: readonly Column[];
  /** Columns that the target lacks. */
  readonly added: readonly AddedColumn[];
  readonly warnings: readonly string[];
}

interface Pair {
  readonly source: SourceColumn;
  readonly target: { readonly name: string; readonly type: TargetType };
  readonly conversion: Conversion;
}

/**
 * Decides for each column of the source where it goes and how. Throws for a pair of types that does
 * not convert, for a target column that would stay without a value it needs, and for more columns
 * than PostgreSQL has room for.
 */
export function planColumns(
  sources: readonly SourceColumn[],
  target: TargetTable | undefined,
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
    const to = place ?? { name: targetName(source.name), type: defaultTargetType(source) };
    pairs.push({ source, target: to, conversion: findConversion(source, to) });
  }
  checkWidth(pairs.length, target, added);
  warnings.push(...notFilled(pairs, target), ...losses(pairs));
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

/**
 * The Postgres name of a BigQuery column: the same, unless it is longer than an identifier can be.
 * Then it is cut, and ends in eight digits of its hash, so that two long names stay two.
 */
export function targetName(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= IDENTIFIER_BYTES) return name;
  const hash = new Bun.CryptoHasher('sha256').update(name).digest('hex').slice(0, 8);
  let end = IDENTIFIER_BYTES - hash.length - 1;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString()}_${hash}`;
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
  { name, type }: { readonly name: string; readonly type: TargetType },
): Conversion {
  const key = type.kind === 'e' ? 'enum' : type.kind === 'c' ? 'composite' : type.name;
  const found =
    source.repeated && !type.array
      ? ARRAY_AS_JSON[key]
      : source.repeated === type.array
        ? CONVERSIONS[source.type][key]
        : undefined;
  if (found !== undefined) return found;
  throw new ProjectorError({
    code: 'TYPES_DO_NOT_CONVERT',
    message: `column ${source.name} is ${sourceTypeText(source)} in BigQuery, which does not go into ${quoteIdentifier(name)} of type ${type.text}`,
    next: `Change the column (ALTER TABLE ... ALTER COLUMN ${quoteIdentifier(name)} TYPE ${defaultType(source)}), or read the table through a view that casts it. If the type was changed in BigQuery, drop the column and set the watermark to NULL for a full load.`,
  });
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
    next: `Give it a default, or: ALTER TABLE ... ALTER COLUMN ${quoteIdentifier(bad.name)} DROP NOT NULL;`,
  });
}

function losses(pairs: readonly Pair[]): readonly string[] {
  return pairs.flatMap(({ source, target, conversion }) => {
    const told: string[] = [];
    const of = `values of ${source.name}`;
    if (conversion.loss) told.push(`${of} are ${conversion.loss}, as ${target.type.text} does`);
    if (source.picoseconds)
      told.push(`${of} are cut to microseconds, which is what PostgreSQL holds`);
    const isTime = /^time/.test(target.type.name) && (target.type.length ?? 6) < 6;
    if (isTime) told.push(`${of} are rounded as ${target.type.text} declares`);
    return told;
  });
}

function toColumn(pair: Pair, index: number, format: 'binary' | 'text'): Column {
  const { source, target, conversion } = pair;
  const binary = format === 'binary';
  const convert = (!binary && conversion.textExpression) || conversion.expression;
  const name = columnExpression(source.name);
  const array = source.repeated && target.type.array;
  return {
    alias: `c${index}`,
    source: source.name,
    sourceType: sourceTypeText(source),
    expression: array ? eachElement(name, convert) : convert(name),
    target: target.name,
    targetType: target.type.text,
    kind: !binary && conversion.textExpression ? 'text' : conversion.kind,
    array,
    elementOid: target.type.oid,
    maxChars: target.type.name === 'varchar' ? target.type.length : undefined,
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
    expression: source?.type === 'DATETIME' ? civilMicros(name) : timestampMicros(name),
    target: undefined,
    targetType: 'bigint',
    kind: 'int8',
    array: false,
    elementOid: 20,
    maxChars: undefined,
    watermark: true,
    emit: false,
  };
}
