import { createHash } from 'node:crypto';
import type postgres from 'postgres';
import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import {
  type Catalog,
  type Handle,
  openCatalog,
  type Refusal,
  refusalError,
  withReadingSettings,
} from '../catalog.ts';
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
import { readTarget, type Target } from '../objects/table.ts';
import { refuseTablespaces } from '../objects/tablespaces.ts';
import { readTriggers, type Trigger } from '../objects/triggers.ts';
import { readViews, type View } from '../objects/views.ts';
import { requireOwnership } from './dependent-owners.ts';
import { type DependentView, readDependentViews } from './dependent-views.ts';
import { type DropSet, oidsIn, readDropSet } from './drop-set.ts';
import { type Lock, readLocks } from './lock-order.ts';
import { refuseUnsupported } from './unsupported.ts';

/**
 * All that hangs on the target, as plain data: what it is made of, and what refers to it. Names are
 * as the catalog spells them, and every SQL text is fully qualified. Two readings of an unchanged
 * table are equal, in any session.
 */
export interface Dependents {
  readonly target: Target;
  readonly columns: readonly Column[];
  readonly sequences: readonly Sequence[];
  readonly checks: readonly Check[];
  readonly indexes: readonly Index[];
  readonly statistics: readonly Statistics[];
  readonly foreignKeysFrom: readonly ForeignKey[];
  readonly foreignKeysTo: readonly ForeignKey[];
  readonly grants: readonly Grant[];
  readonly defaultGrantees: readonly (string | null)[];
  readonly policies: readonly Policy[];
  readonly policiesOfOthers: readonly Policy[];
  readonly triggers: readonly Trigger[];
  readonly rules: readonly Rule[];
  readonly views: readonly View[];
  /** In the order in which they have to be made. */
  readonly materializedViews: readonly MaterializedView[];
  /** All populated materialized views above the target, in the order of refreshing. */
  readonly refreshed: readonly TableName[];
  readonly functions: readonly SqlFunction[];
  readonly columnDefaults: readonly ColumnDefault[];
  readonly publications: readonly Publication[];
  readonly commentsAndLabels: readonly CommentOrLabel[];
  readonly locks: readonly Lock[];
  /** SHA-256 of all the above: equal if and only if nothing has changed. */
  readonly fingerprint: string;
}

/**
 * Reads what hangs on `target`; undefined if there is no such table. Whatever a full load could not
 * give back, and whatever right it lacks, is one ProjectorError that names every object and every
 * way out (UNSUPPORTED_DEPENDENT, INSUFFICIENT_PRIVILEGE). Reads only.
 */
export async function readDependents(
  sql: postgres.Sql | postgres.ReservedSql,
  target: TableName,
): Promise<Dependents | undefined> {
  const mode = 'ISOLATION LEVEL REPEATABLE READ READ ONLY';
  // A reserved connection has, at run time, no begin of its own.
  if ('begin' in sql && typeof sql.begin === 'function') {
    return await sql.begin(mode, (transaction) => readDependentsInside(transaction, target));
  }
  await sql.unsafe(`BEGIN ${mode}`);
  try {
    return await readDependentsInside(sql, target);
  } finally {
    await sql.unsafe('ROLLBACK');
  }
}

/** The same, inside the transaction that `sql` is in. */
export async function readDependentsInside(
  sql: Handle,
  table: TableName,
): Promise<Dependents | undefined> {
  return await withReadingSettings(sql, async () => {
    const refusals: Refusal[] = [];
    const catalog = await openCatalog(sql, refusals);
    const found = await readTarget(catalog, table);
    if (found === undefined) return undefined;
    // A target of another kind is refused as such, whatever hangs on it.
    if (refusals.length > 0) throw refusalError(quoteTable(table), refusals);
    const dependents = await readAll(catalog, found.oid, found.target);
    if (refusals.length > 0) throw refusalError(quoteTable(table), refusals);
    return dependents;
  });
}

/** The hash that tells whether two readings differ. */
function fingerprintOf(dependents: Omit<Dependents, 'fingerprint'>): string {
  return createHash('sha256').update(JSON.stringify(dependents)).digest('hex');
}

async function readAll(catalog: Catalog, oid: number, target: Target): Promise<Dependents> {
  const dropSet = await readDropSet(catalog, oid);
  refuseRowTypeUsers(catalog, target, dropSet);
  await refuseUnsupported(catalog, target, dropSet);
  const dependentViews = await readDependentViews(catalog, oid);
  await requireOwnership(catalog, dropSet.dependents, [
    ...dropSet.relations.slice(1),
    ...dependentViews.filter(isFilled).map((view) => view.oid),
  ]);
  await refuseTablespaces(catalog, oidsIn(dropSet.objects, 'pg_class'));
  const [parts, references, locks] = await Promise.all([
    readParts(catalog, oid, dropSet),
    readReferences(catalog, oid, dropSet, dependentViews),
    readLocks(catalog, oid, dropSet, dependentViews),
  ]);
  const found = { target, ...parts, ...references, locks };
  return { ...found, fingerprint: fingerprintOf(found) };
}

/** What the target is made of, and has to be made of again. All queries are on the wire at once. */
async function readParts(catalog: Catalog, oid: number, dropSet: DropSet) {
  const { objects, relations } = dropSet;
  const [columns, sequences, checks, indexes, statistics, foreignKeys] = await Promise.all([
    readColumns(catalog, oid),
    readSequences(catalog, oid),
    readChecks(catalog, oid),
    readIndexes(catalog, relations),
    readStatistics(catalog, relations),
    readForeignKeys(catalog, oid),
  ]);
  const [grants, defaultGrantees, triggers, publications, commentsAndLabels] = await Promise.all([
    readGrants(catalog, oidsIn(objects, 'pg_class')),
    readDefaultGrantees(catalog),
    readTriggers(catalog, oid, oidsIn(objects, 'pg_trigger')),
    readPublications(catalog, oid),
    readCommentsAndLabels(
      catalog,
      [...objects, ...dropSet.dependents.filter(isForeignKey)],
      dropSet.dependents.filter((object) => object.catalog === 'pg_proc'),
    ),
  ]);
  return {
    columns,
    sequences,
    checks,
    indexes,
    statistics,
    foreignKeysFrom: foreignKeys.from,
    foreignKeysTo: foreignKeys.to,
    grants,
    defaultGrantees,
    triggers,
    publications,
    commentsAndLabels,
  };
}

/** What others have that refers to it. */
async function readReferences(
  catalog: Catalog,
  oid: number,
  dropSet: DropSet,
  dependentViews: readonly DependentView[],
) {
  const { dependents } = dropSet;
  const rewrites = oidsIn(dependents, 'pg_rewrite');
  const [policies, rebuilt, rules, views, functions, columnDefaults] = await Promise.all([
    readPolicies(catalog, oid, oidsIn(dependents, 'pg_policy')),
    readMaterializedViews(catalog, dropSet.relations),
    readRules(catalog, oid, rewrites),
    readViews(catalog, rewrites),
    readFunctions(catalog, oidsIn(dependents, 'pg_proc')),
    readColumnDefaults(catalog, oidsIn(dependents, 'pg_attrdef')),
  ]);
  return {
    policies: policies.own,
    policiesOfOthers: policies.others,
    rules,
    views,
    materializedViews: dependentViews.flatMap((view) => rebuilt.get(view.oid) ?? []),
    refreshed: dependentViews.filter(isFilled).map(({ schema, name }) => ({ schema, name })),
    functions,
    columnDefaults,
  };
}

function refuseRowTypeUsers(catalog: Catalog, target: Target, dropSet: DropSet): void {
  for (const { description } of dropSet.rowTypeUsers) {
    catalog.refuse({
      code: 'UNSUPPORTED_DEPENDENT',
      message: `${description} uses a row type that goes with the old table`,
      hint: `Let it name the columns it needs, or a type of its own, instead of ${quoteIdentifier(target.name)}.`,
    });
  }
}

function isFilled(view: DependentView): boolean {
  return view.kind === 'm' && view.populated;
}

function isForeignKey(object: { readonly catalog: string }): boolean {
  return object.catalog === 'pg_constraint';
}
