import { createHash } from 'node:crypto';
import type postgres from 'postgres';
import type { TableName } from '../../postgres/quoting.ts';
import { type Catalog, type Handle, openCatalog } from '../catalog.ts';
import { type Check, readChecks } from '../objects/check-constraints.ts';
import { type ColumnDefault, readColumnDefaults } from '../objects/column-defaults.ts';
import { type Column, readColumns } from '../objects/columns.ts';
import { type CommentOrLabel, readCommentsAndLabels } from '../objects/comments-and-labels.ts';
import { readStatistics, type Statistics } from '../objects/extended-statistics.ts';
import { type ForeignKey, readForeignKeys } from '../objects/foreign-keys.ts';
import { type Grant, readDefaultGrantees, readGrants } from '../objects/grants.ts';
import { type Index, readIndexes } from '../objects/indexes.ts';
import { type MaterializedView, readMaterializedViews } from '../objects/materialized-views.ts';
import { type Policy, readPolicies } from '../objects/policies.ts';
import { type Publication, readPublications } from '../objects/publications.ts';
import { type Rule, readRules } from '../objects/rules.ts';
import { readSequences, type Sequence } from '../objects/sequences.ts';
import { readFunctions, type SqlFunction } from '../objects/sql-functions.ts';
import { findRelation, readTables, type Table } from '../objects/table.ts';
import { refuseTablespaces } from '../objects/tablespaces.ts';
import { readTriggers, type Trigger } from '../objects/triggers.ts';
import { readViews, type View } from '../objects/views.ts';
import { withReadingSettings } from '../session-settings.ts';
import { inSnapshot } from '../snapshot.ts';
import { requireOwnership } from './dependent-owners.ts';
import { isFilled } from './dependent-views.ts';
import { type DropSet, readDropSet } from './drop-set.ts';
import { readListeners } from './listeners.ts';
import { type Lock, readLocks } from './lock-order.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * All that depends on the target, as plain data: what it is made of, and what refers to it. Names
 * are as the catalog spells them, and every SQL text is fully qualified. Two readings of an
 * unchanged table are equal, in any session.
 */
export interface Dependents extends ByKind {
  readonly target: Table;
  /** SHA-256 of all else: equal if and only if nothing has changed. */
  readonly fingerprint: string;
}

interface ByKind {
  readonly columns: readonly Column[];
  readonly sequences: readonly Sequence[];
  readonly checks: readonly Check[];
  readonly indexes: readonly Index[];
  readonly statistics: readonly Statistics[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly grants: readonly Grant[];
  readonly defaultGrantees: readonly (string | null)[];
  readonly policies: readonly Policy[];
  readonly triggers: readonly Trigger[];
  readonly rules: readonly Rule[];
  readonly views: readonly View[];
  /** In the order in which they have to be created. */
  readonly materializedViews: readonly MaterializedView[];
  /** All populated materialized views above the target, in the order of refreshing. */
  readonly refreshed: readonly TableName[];
  readonly functions: readonly SqlFunction[];
  readonly columnDefaults: readonly ColumnDefault[];
  readonly publications: readonly Publication[];
  readonly commentsAndLabels: readonly CommentOrLabel[];
  readonly locks: readonly Lock[];
}

type Reader<T> = (catalog: Catalog, dropSet: DropSet) => Promise<T>;

const READERS: { readonly [Kind in keyof ByKind]: Reader<ByKind[Kind]> } = {
  columns: readColumns,
  sequences: readSequences,
  checks: readChecks,
  indexes: readIndexes,
  statistics: readStatistics,
  foreignKeys: readForeignKeys,
  grants: readGrants,
  defaultGrantees: readDefaultGrantees,
  policies: readPolicies,
  triggers: readTriggers,
  rules: readRules,
  views: readViews,
  materializedViews: readMaterializedViews,
  refreshed: async (_catalog, { views }) =>
    views.filter(isFilled).map(({ schema, name }) => ({ schema, name })),
  functions: readFunctions,
  columnDefaults: readColumnDefaults,
  publications: readPublications,
  commentsAndLabels: readCommentsAndLabels,
  locks: readLocks,
};

/**
 * Reads what depends on `target`; undefined if there is no such table. Whatever a full load could
 * not keep, and whatever right it lacks, is one ProjectorError that names every object and every
 * way out (UNSUPPORTED_DEPENDENT, INSUFFICIENT_PRIVILEGE). Reads only.
 */
export async function readDependents(
  sql: postgres.Sql | postgres.ReservedSql,
  target: TableName,
): Promise<Dependents | undefined> {
  return await inSnapshot(sql, (snapshot) => readDependentsInside(snapshot, target));
}

/** The same, inside the transaction that `sql` is in. */
export async function readDependentsInside(
  sql: Handle,
  table: TableName,
): Promise<Dependents | undefined> {
  return await withReadingSettings(sql, async () => {
    const catalog = await openCatalog(sql);
    const oid = await findRelation(catalog, table);
    if (oid === undefined) return undefined;
    const [target] = await readTables(catalog, [oid]);
    // A target of another kind is refused as such, whatever depends on it.
    catalog.refuse.throwIfAny(table);
    if (target === undefined) return undefined;
    const byKind = await readByKind(catalog, target, [oid]);
    catalog.refuse.throwIfAny(table);
    const found = { target, ...byKind };
    const fingerprint = createHash('sha256').update(JSON.stringify(found)).digest('hex');
    return { ...found, fingerprint };
  });
}

/**
 * Warnings before a full load of `target`, whether it exists or not: what reacts to the staging
 * table or to the swap. Throws UNSUPPORTED_DEPENDENT for what would break by it.
 */
export async function readWarnings(
  sql: postgres.Sql | postgres.ReservedSql,
  target: TableName,
): Promise<readonly string[]> {
  return await inSnapshot(sql, (snapshot) =>
    withReadingSettings(snapshot, async () => {
      const catalog = await openCatalog(snapshot);
      const warnings = await readListeners(catalog, target, [target.schema]);
      catalog.refuse.throwIfAny(target);
      return warnings;
    }),
  );
}

/** All queries are on the wire at once. */
async function readByKind(
  catalog: Catalog,
  target: TableName,
  tables: readonly number[],
): Promise<ByKind> {
  const dropSet = await readDropSet(catalog, tables);
  await refuseUnsupported(catalog, target, dropSet);
  await requireOwnership(catalog, dropSet);
  await refuseTablespaces(catalog, dropSet);
  const kinds = Object.entries<Reader<unknown>>(READERS).map(
    async ([kind, read]) => [kind, await read(catalog, dropSet)] as const,
  );
  return Object.fromEntries(await Promise.all(kinds)) as unknown as ByKind;
}
