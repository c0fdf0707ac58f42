import { createHash } from 'node:crypto';
import type postgres from 'postgres';
import { quoteIdentifier, quoteTable, type TableName } from '../identifiers.ts';
import {
  type Catalog,
  type Handle,
  openCatalog,
  type Refusal,
  refusalError,
  withReadingSettings,
} from './catalog.ts';
import { type ColumnDefault, readColumnDefaults } from './column-defaults.ts';
import { type Column, readColumns } from './columns.ts';
import { type Check, readChecks } from './constraints.ts';
import { type Description, readDescriptions } from './descriptions.ts';
import { type Falling, oidsIn, readFalling } from './falling.ts';
import { type ForeignKey, readForeignKeys } from './foreign-keys.ts';
import { readFunctions, type SqlFunction } from './functions.ts';
import { refuseHolders } from './holders.ts';
import { type Index, readIndexes } from './indexes.ts';
import { type Lock, readLocks } from './locks.ts';
import { type MaterializedView, readMaterializedViews } from './materialized-views.ts';
import { type Policy, readPolicies } from './policies.ts';
import { type Publication, readPublications } from './publications.ts';
import { type Reader, readReaders } from './readers.ts';
import { type Grant, readDefaultGrantees, readGrants } from './rights.ts';
import { type Rule, readRules } from './rules.ts';
import { readSequences, type Sequence } from './sequences.ts';
import { readStatistics, type Statistics } from './statistics.ts';
import { refuseTablespaces } from './tablespaces.ts';
import { readTarget, type Target } from './target.ts';
import { readTriggers, type Trigger } from './triggers.ts';
import { readUnknown } from './unknown.ts';
import { readViews, type View } from './views.ts';

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
  readonly descriptions: readonly Description[];
  readonly locks: readonly Lock[];
  /** SHA-256 of all the above: equal if and only if nothing has changed. */
  readonly fingerprint: string;
}

/**
 * Reads what hangs on `target`; undefined if there is no such table. Whatever a full load could not
 * give back, and whatever right it lacks, is one ProjectorError that names every object and every
 * way out (CANNOT_KEEP, MISSING_RIGHTS). Reads only.
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
  const falling = await readFalling(catalog, oid);
  refuseRowTypeUsers(catalog, target, falling);
  await readUnknown(catalog, target, falling);
  const readers = await readReaders(catalog, oid);
  await refuseHolders(catalog, falling.dependents, [
    ...falling.relations.slice(1),
    ...readers.filter(isFilled).map((reader) => reader.oid),
  ]);
  await refuseTablespaces(catalog, oidsIn(falling.objects, 'pg_class'));
  const [parts, references, locks] = await Promise.all([
    readParts(catalog, oid, falling),
    readReferences(catalog, oid, falling, readers),
    readLocks(catalog, oid, falling, readers),
  ]);
  const found = { target, ...parts, ...references, locks };
  return { ...found, fingerprint: fingerprintOf(found) };
}

/** What the target is made of, and has to be made of again. All queries are on the wire at once. */
async function readParts(catalog: Catalog, oid: number, falling: Falling) {
  const { objects, relations } = falling;
  const [columns, sequences, checks, indexes, statistics, foreignKeys] = await Promise.all([
    readColumns(catalog, oid),
    readSequences(catalog, oid),
    readChecks(catalog, oid),
    readIndexes(catalog, relations),
    readStatistics(catalog, relations),
    readForeignKeys(catalog, oid),
  ]);
  const [grants, defaultGrantees, triggers, publications, descriptions] = await Promise.all([
    readGrants(catalog, oidsIn(objects, 'pg_class')),
    readDefaultGrantees(catalog),
    readTriggers(catalog, oid, oidsIn(objects, 'pg_trigger')),
    readPublications(catalog, oid),
    readDescriptions(
      catalog,
      [...objects, ...falling.dependents.filter(isForeignKey)],
      falling.dependents.filter((object) => object.catalog === 'pg_proc'),
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
    descriptions,
  };
}

/** What others have that refers to it. */
async function readReferences(
  catalog: Catalog,
  oid: number,
  falling: Falling,
  readers: readonly Reader[],
) {
  const { dependents } = falling;
  const rewrites = oidsIn(dependents, 'pg_rewrite');
  const [policies, rebuilt, rules, views, functions, columnDefaults] = await Promise.all([
    readPolicies(catalog, oid, oidsIn(dependents, 'pg_policy')),
    readMaterializedViews(catalog, falling.relations),
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
    materializedViews: readers.flatMap((reader) => rebuilt.get(reader.oid) ?? []),
    refreshed: readers.filter(isFilled).map(({ schema, name }) => ({ schema, name })),
    functions,
    columnDefaults,
  };
}

function refuseRowTypeUsers(catalog: Catalog, target: Target, falling: Falling): void {
  for (const { description } of falling.rowTypeUsers) {
    catalog.refuse({
      code: 'CANNOT_KEEP',
      message: `${description} uses a row type that goes with the old table`,
      next: `Let it name the columns it needs, or a type of its own, instead of ${quoteIdentifier(target.name)}.`,
    });
  }
}

function isFilled(reader: Reader): boolean {
  return reader.kind === 'm' && reader.populated;
}

function isForeignKey(object: { readonly catalog: string }): boolean {
  return object.catalog === 'pg_constraint';
}
