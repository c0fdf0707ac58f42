import type { EncodedColumn } from '../copy/encoder.ts';
import type { VectorShape } from '../copy/read-vector.ts';
import type { Source } from '../google/source.ts';
import { type SourceColumn, sourceTypeText } from '../google/source-columns.ts';
import { WATERMARK_COLUMN } from '../google/source-name.ts';
import { isVectorType } from '../postgres/vector-types.ts';
import type { ColumnMapping, TargetColumn } from './column-mapping.ts';
import { columnExpression, eachElement } from './expressions.ts';
import { leftOutName, type RowKey } from './row-key.ts';
import { civilMicros, timestampMicros } from './timestamps.ts';

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

/** The columns of the export, in the order of `pairs`, with those that are only looked at: the watermark and, where there is a
 * key, the rows that a row replaces. */
export function exportColumns(
  pairs: readonly ColumnMapping[],
  source: Pick<Source, 'columns'>,
  format: 'binary' | 'text',
  key: RowKey | undefined,
): readonly Column[] {
  const columns = pairs.map((pair, i) => toColumn(pair, i, format));
  const withMax = withWatermark(columns, pairs, source.columns);
  return key === undefined ? withMax : [...withMax, leftOutColumn(source, `c${withMax.length}`)];
}

/** pg_type.typdelim: box in pg_type.dat, the others in PostGIS's postgis.sql and geography.sql. */
const DELIMITERS: Readonly<Record<string, string>> = { box: ';', geometry: ':', geography: ':' };

function toColumn(pair: ColumnMapping, index: number, format: 'binary' | 'text'): Column {
  const { source, target, conversion } = pair;
  const asText = format === 'text' ? conversion.textExpression : undefined;
  const convert = asText ?? conversion.expression;
  const name = columnExpression(source.name);
  const array = source.repeated && target.type.array;
  const vector = source.repeated && !array ? vectorShape(target) : undefined;
  const byElement = array || vector !== undefined;
  return {
    alias: `c${index}`,
    source: source.name,
    sourceType: sourceTypeText(source),
    expression: byElement ? eachElement(name, convert, source.name) : convert(name, source.name),
    target: target.name,
    targetType: target.type.text,
    notNull: target.notNull,
    encoding: asText === undefined ? conversion.encoding : 'text',
    array: byElement,
    vector,
    elementOid: target.type.oid,
    delimiter: DELIMITERS[target.type.name] ?? ',',
    maxChars: ['varchar', 'bpchar'].includes(target.type.name) ? target.type.length : undefined,
    watermark: false,
    leftOut: false,
    emit: true,
  };
}

function vectorShape({ type }: TargetColumn): VectorShape | undefined {
  return isVectorType(type.name) ? { type: type.name, dimensions: type.length } : undefined;
}

/** Marks the column whose longs are the watermark, or adds one that is only looked at. */
function withWatermark(
  columns: readonly Column[],
  pairs: readonly ColumnMapping[],
  sources: readonly SourceColumn[],
): readonly Column[] {
  const at = pairs.findIndex((pair) => pair.source.name.toLowerCase() === WATERMARK_COLUMN);
  const column = columns[at];
  if (column?.encoding === 'int8' && /^timestamp/.test(pairs[at]?.target.type.name ?? '')) {
    return columns.map((each, i) => (i === at ? { ...each, watermark: true } : each));
  }
  const source = sources.find((each) => each.name.toLowerCase() === WATERMARK_COLUMN);
  return [...columns, hiddenWatermark(source, `c${columns.length}`)];
}

function hiddenWatermark(source: SourceColumn | undefined, alias: string): Column {
  const name = columnExpression(source?.name ?? WATERMARK_COLUMN);
  const convert = source?.type === 'DATETIME' ? civilMicros : timestampMicros;
  return {
    ...hiddenLong(alias, convert(name, WATERMARK_COLUMN)),
    source: source?.name ?? WATERMARK_COLUMN,
    sourceType: source?.type ?? 'TIMESTAMP',
    watermark: true,
  };
}

function leftOutColumn(source: Pick<Source, 'columns'>, alias: string): Column {
  const name = leftOutName(source);
  return { ...hiddenLong(alias, columnExpression(name)), source: name, leftOut: true };
}

/** A column of longs that the encoder looks at, and does not write. */
function hiddenLong(alias: string, expression: string): Column {
  return {
    alias,
    source: '',
    sourceType: 'INT64',
    expression,
    target: undefined,
    targetType: 'bigint',
    notNull: false,
    encoding: 'int8',
    array: false,
    elementOid: 20,
    maxChars: undefined,
    watermark: false,
    leftOut: false,
    emit: false,
  };
}
