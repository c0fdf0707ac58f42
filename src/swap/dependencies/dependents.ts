import { createHash } from 'node:crypto';
import type { TableName } from '../../postgres/quoting.ts';
import { type Catalog, type Handle, openCatalog } from '../catalog.ts';
import { readChecks } from '../objects/check-constraints.ts';
import { readColumnDefaults } from '../objects/column-defaults.ts';
import { readColumns } from '../objects/columns.ts';
import { readCommentsAndLabels } from '../objects/comments-and-labels.ts';
import { readStatistics } from '../objects/extended-statistics.ts';
import { readForeignKeys } from '../objects/foreign-keys.ts';
import { readDefaultGrantees, readGrants } from '../objects/grants.ts';
import { readIndexes } from '../objects/indexes.ts';
import { readMaterializedViews, readRefreshed } from '../objects/materialized-views.ts';
import { readPartitionedTables } from '../objects/partitions.ts';
import { readPolicies } from '../objects/policies.ts';
import { readPublications } from '../objects/publications.ts';
import { readRules } from '../objects/rules.ts';
import { readSequences } from '../objects/sequences.ts';
import { readFunctions } from '../objects/sql-functions.ts';
import { findRelation, readTables, type Table } from '../objects/table.ts';
import { refuseTablespaces } from '../objects/tablespaces.ts';
import { readTriggers } from '../objects/triggers.ts';
import { readViews } from '../objects/views.ts';
import { withReadingSettings } from '../session-settings.ts';
import { requireOwnership } from './dependent-owners.ts';
import { type Reader, readDropSet } from './drop-set.ts';
import { readListeners } from './listeners.ts';
import { readLocks } from './lock-order.ts';
import { type PartitionTree, readPartitionTree } from './partition-tree.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * All that depends on the target, as plain data: what it is made of, and what refers to it. Names
 * are as the catalog spells them, and every SQL text is fully qualified. Two readings of an
 * unchanged table are equal, in any session.
 */
export interface Dependents extends ByKind {
  readonly target: TableName;
  /** What is replaced: the target itself, or the leaves of its partition tree. */
  readonly tables: readonly Table[];
  /** SHA-256 of all else: equal if and only if nothing has changed. */
  readonly fingerprint: string;
}

/** Each kind, with what reads it. */
const KINDS = {
  /** The partitioned tables above the tables, from the top down. They stay as they are. */
  partitioned: readPartitionedTables,
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
  /** In the order in which they have to be created. */
  materializedViews: readMaterializedViews,
  /** All populated materialized views above the target, in the order of refreshing. */
  refreshed: readRefreshed,
  functions: readFunctions,
  columnDefaults: readColumnDefaults,
  publications: readPublications,
  commentsAndLabels: readCommentsAndLabels,
  locks: readLocks,
} as const satisfies Record<string, Reader<unknown>>;

type ByKind = { readonly [Kind in keyof typeof KINDS]: Awaited<ReturnType<(typeof KINDS)[Kind]>> };

/**
 * Reads what depends on `table`, inside the transaction that \`sql\` is in; undefined if there is no such
 * table. Whatever a full load could not keep, and whatever right it lacks, is one ProjectorError that
 * names every object and every way out (UNSUPPORTED_DEPENDENT, INSUFFICIENT_PRIVILEGE). Reads only.
 */
export async function readDependents(
  sql: Handle,
  table: TableName,
): Promise<Dependents | undefined> {
  return await withReadingSettings(sql, async () => {
    const catalog = await openCatalog(sql);
    const oid = await findRelation(catalog, table);
    if (oid === undefined) return undefined;
    const tree = await readPartitionTree(catalog, oid);
    const tables = await readTables(catalog, tree);
    // A target of another kind is refused as such, whatever depends on it.
    catalog.refuse.throwIfAny(table);
    const byKind = await readByKind(catalog, table, tree);
    catalog.refuse.throwIfAny(table);
    const { schema, name } = table;
    const found = { target: { schema, name }, tables, ...byKind };
    const fingerprint = createHash('sha256').update(JSON.stringify(found)).digest('hex');
    return { ...found, fingerprint };
  });
}

/**
 * Warnings before a full load of `target`, whether it exists or not, inside the transaction that `sql`
 * is in: what reacts to the staging table or to the swap. Throws UNSUPPORTED_DEPENDENT for what would
 * break by it.
 */
export async function readWarnings(sql: Handle, target: TableName): Promise<readonly string[]> {
  return await withReadingSettings(sql, async () => {
    const catalog = await openCatalog(sql);
    const warnings = await readListeners(catalog, target);
    catalog.refuse.throwIfAny(target);
    return warnings;
  });
}

/** All queries are on the wire at once. */
async function readByKind(
  catalog: Catalog,
  target: TableName,
  tree: PartitionTree,
): Promise<ByKind> {
  const dropSet = await readDropSet(catalog, tree);
  await refuseUnsupported(catalog, target, dropSet);
  await requireOwnership(catalog, dropSet);
  await refuseTablespaces(catalog, dropSet);
  const kinds = Object.entries<Reader<unknown>>(KINDS).map(
    async ([kind, read]) => [kind, await read(catalog, dropSet)] as const,
  );
  return Object.fromEntries(await Promise.all(kinds)) as unknown as ByKind;
}
