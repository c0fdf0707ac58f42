import { ProjectorError } from '../errors.ts';
import type { SourceColumn } from '../google/source-columns.ts';
import { fitIdentifier, IDENTIFIER_BYTES, quoteIdentifier } from '../postgres/quoting.ts';
import type { CatalogColumn, TargetTable } from '../postgres/target-table.ts';
import type { AddedColumn } from '../swap/objects/columns.ts';
import type { ColumnMapping } from './column-mapping.ts';

/**
 * BigQuery's names ignore case: an exact match wins, then the name as PostgreSQL cut it where the
 * target was made with the long one, then the only one that differs in case.
 */
export function findTarget(
  source: SourceColumn,
  target: TargetTable | undefined,
): CatalogColumn | undefined {
  const name = targetName(source.name);
  const columns = target?.columns ?? [];
  const exact =
    columns.find((column) => column.name === name) ??
    columns.find((column) => column.name === fitIdentifier(source.name));
  if (exact !== undefined) return exact;
  const alike = columns.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  if (alike.length < 2) return alike[0];
  throw new ProjectorError({
    code: 'AMBIGUOUS_COLUMN',
    message: `column ${source.name} could go into ${alike.map((column) => quoteIdentifier(column.name)).join(' or ')}`,
    hint: `Rename one of them to exactly ${quoteIdentifier(name)}.`,
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
  if (Buffer.byteLength(name) <= IDENTIFIER_BYTES) return name;
  const hash = new Bun.CryptoHasher('sha256').update(name).digest('hex').slice(0, 8);
  return fitIdentifier(name, `_${hash}`);
}

/** Throws for two columns of the source that have one place in the target. */
export function checkNames(pairs: readonly ColumnMapping[]): void {
  const places = new Map<string, string>();
  for (const { source, target } of pairs) {
    const other = places.get(target.name);
    if (other !== undefined) {
      throw new ProjectorError({
        code: 'AMBIGUOUS_COLUMN',
        message: `columns ${other} and ${source.name} would both go into ${quoteIdentifier(target.name)}`,
        hint: 'Read the table through a view that renames one of them.',
      });
    }
    places.set(target.name, source.name);
  }
}

/** Warns of columns that cannot have the name that they have in BigQuery. */
export function renamed(
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
