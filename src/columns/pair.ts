import { ProjectorError } from '../errors.ts';
import { quoteIdentifier, quoteTable } from '../identifiers.ts';
import { ARRAY_AS_JSON, CONVERSIONS, type Conversion } from '../types/conversions.ts';
import { defaultType } from '../types/default-type.ts';
import { type SourceColumn, sourceTypeText } from '../types/source.ts';
import type { TargetColumn, TargetTable } from '../types/target.ts';

/** Where a column of the source goes: a column of the target, or one that is still to be made. */
export type Place = Pick<TargetColumn, 'name' | 'type' | 'notNull'>;

/** A column of the source with its place, and how its values get there. */
export interface Pair {
  readonly source: SourceColumn;
  readonly target: Place;
  readonly conversion: Conversion;
}

/** Throws for a pair of types that does not convert, with the ways out. */
export function findConversion(
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
  const alter = `ALTER TABLE ${quoteTarget(target)}`;
  throw new ProjectorError({
    code: 'TYPES_DO_NOT_CONVERT',
    message: `column ${source.name} is ${sourceTypeText(source)} in BigQuery, which does not go into ${column} of type ${type.text}${type.name.startsWith('money of') ? ' under this lc_monetary' : ''}`,
    next: `Change the type (${alter} ALTER COLUMN ${column} TYPE ${defaultType(source)} USING ...), or read the table through a view that casts the column. If the type was changed in BigQuery: ${alter} DROP COLUMN ${column}, and set the watermark in sync_state to NULL for a full load.`,
  });
}

/** The target in a statement to type; dots where it is still to be made. */
export function quoteTarget(target: TargetTable | undefined): string {
  return target === undefined ? '...' : quoteTable(target.name);
}
