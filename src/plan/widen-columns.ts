import type { Source } from '../google/source.ts';
import type { SourceColumn } from '../google/source-columns.ts';
import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import type { CatalogColumn, TargetTable } from '../postgres/target-table.ts';
import { findTarget } from './column-names.ts';
import { defaultType } from './default-type.ts';

/** A column of the target that is narrower than BigQuery declares its values, and can be widened. */
export interface WidenedColumn {
  readonly name: string;
  /** ALTER TABLE: it changes the catalog only, no row (ALTER TABLE, "Notes"). */
  readonly statement: string;
}

/**
 * The columns whose declared length or precision has grown in BigQuery since the target was made:
 * STRING(3) that is STRING(10) now, NUMERIC(8, 2) that is NUMERIC(12, 2). A scale that has grown is
 * not among them: its change would write every row again.
 */
export function widenedColumns(
  source: Pick<Source, 'columns'>,
  target: TargetTable | undefined,
): readonly WidenedColumn[] {
  if (target === undefined) return [];
  return source.columns.flatMap((column) => {
    const place = findTarget(column, target);
    if (place === undefined || place.generated || !isNarrower(column, place)) return [];
    const { name } = place;
    const type = defaultType(column);
    const alter = `ALTER TABLE ${quoteTable(target.name)} ALTER COLUMN ${quoteIdentifier(name)}`;
    return [{ name, statement: `${alter} TYPE ${type}` }];
  });
}

function isNarrower(source: SourceColumn, { type }: CatalogColumn): boolean {
  if (source.repeated || type.array) return false;
  if (source.type === 'STRING' && type.name === 'varchar') {
    return source.maxLength !== undefined && source.maxLength > (type.length ?? Infinity);
  }
  const declared = declaredNumeric(type.text);
  if (declared === undefined || source.precision === undefined) return false;
  return source.precision > declared.precision && (source.scale ?? 0) === declared.scale;
}

/** p and s of `numeric(p,s)`; undefined: not declared, or the text of a domain. */
export function declaredNumeric(
  text: string,
): { readonly precision: number; readonly scale: number } | undefined {
  const [, precision, scale] = /^numeric\((\d+),(-?\d+)\)$/.exec(text) ?? [];
  if (precision === undefined || scale === undefined) return undefined;
  return { precision: Number(precision), scale: Number(scale) };
}
