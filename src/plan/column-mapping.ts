import { ProjectorError } from '../errors.ts';
import { type SourceColumn, sourceTypeText } from '../google/source-columns.ts';
import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import type { CatalogColumn, TargetTable } from '../postgres/target-table.ts';
import { ARRAY_AS_JSON, ARRAY_AS_VECTOR, CONVERSIONS, type Conversion } from './conversions.ts';
import { defaultType } from './default-type.ts';

/** Where a column of the source goes: a column of the target, or one that is still to be made. */
export type TargetColumn = Pick<CatalogColumn, 'name' | 'type' | 'notNull' | 'identityAlways'>;

/** A column of the source with its place, and how its values get there. */
export interface ColumnMapping {
  readonly source: SourceColumn;
  readonly target: TargetColumn;
  readonly conversion: Conversion;
}

/** Throws for a pair of types that does not convert, with the ways out. */
export function findConversion(
  source: SourceColumn,
  { name, type }: TargetColumn,
  target: TargetTable | undefined,
): Conversion {
  const key = type.kind === 'e' ? 'enum' : type.kind === 'c' ? 'composite' : type.name;
  const found =
    source.repeated && !type.array
      ? (ARRAY_AS_VECTOR[source.type]?.[key] ?? ARRAY_AS_JSON[key])
      : source.repeated === type.array
        ? CONVERSIONS[source.type][key]
        : undefined;
  if (found !== undefined) return found;
  const column = quoteIdentifier(name);
  const alter = `ALTER TABLE ${quoteTarget(target)}`;
  throw new ProjectorError({
    code: 'TYPES_DO_NOT_CONVERT',
    message: `column ${source.name} is ${sourceTypeText(source)} in BigQuery, which does not go into ${column} of type ${type.text}${remark(type)}`,
    hint: `Change the type (${alter} ALTER COLUMN ${column} TYPE ${defaultType(source)} USING ...), or read the table through a view that casts the column. If the type was changed in BigQuery: ${alter} DROP COLUMN ${column}, and set the watermark in sync_state to NULL for a full load.`,
  });
}

/** Why a type is not what its name says, as the catalog was read. */
function remark({ name }: TargetColumn['type']): string {
  if (name.startsWith('money of')) return ' under this lc_monetary';
  return name.endsWith('of another make') ? ', which is not the one of the extension vector' : '';
}

/** The target in a statement to type; dots where it is still to be made. */
export function quoteTarget(target: TargetTable | undefined): string {
  return target === undefined ? '...' : quoteTable(target.name);
}
