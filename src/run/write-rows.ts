import { ProjectorError } from '../errors.ts';
import type { Copied } from '../load/copy-splits.ts';
import type { IncrementPlan } from '../plan/plan.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import { rowsOf } from './check-loaded.ts';
import { explainNoPartition } from './row-errors/no-partition.ts';
import { equalKeysQuery } from './row-errors/row-query.ts';

/**
 * Moves the rows of the temporary table into the target, and sees to it that all of them got there, or
 * that the target's own rows are newer. Throws KEYS_EQUAL_IN_TARGET and ROWS_SWALLOWED.
 */
export async function writeRows(
  session: Session,
  plan: IncrementPlan,
  rows: number,
): Promise<void> {
  if (plan.write === undefined) return;
  await refuseInsteadRules(session, plan);
  const { count: written } = await session.unsafe(plan.write).catch((error: unknown) => {
    throw explainNoPartition(plan, error, undefined) ?? error;
  });
  if (written === rows) return;
  if (plan.upsert !== undefined) {
    if ((await count(session, plan.upsert.countKeys)) < rows) throw keysEqualInTarget(plan);
    if (written + (await count(session, plan.upsert.countKept)) >= rows) return;
  }
  throw await rowsSwallowed(session, plan, rows - written);
}

/** What an INSTEAD rule puts elsewhere counts as inserted all the same; only COPY takes no notice of rules. */
async function refuseInsteadRules(session: Session, { table }: IncrementPlan): Promise<void> {
  const [rule] = await session.unsafe<{ name: string }[]>(
    `SELECT quote_ident(rulename) AS name FROM pg_rewrite
     WHERE ev_class = $1 AND ev_type = '3' AND is_instead AND ev_enabled <> 'D' ORDER BY 1`,
    [table.oid],
  );
  if (rule === undefined) return;
  throw new ProjectorError({
    code: 'ROWS_SWALLOWED',
    message: `rule ${rule.name} of ${quoteTable(table.name)} does something else INSTEAD of an INSERT`,
    hint: `Nothing was made visible. Drop it, or make it a rule that does something ALSO: DROP RULE ${rule.name} ON ${quoteTable(table.name)};`,
  });
}

/** COPY into the target itself: it counts the rows that a trigger lets through. */
export async function requireAllCopied(
  session: Session,
  plan: IncrementPlan,
  copied: Copied,
): Promise<void> {
  const missing = rowsOf(copied.splits) - copied.rows;
  if (missing > 0) throw await rowsSwallowed(session, plan, missing);
}

async function count(session: Session, query: string): Promise<number> {
  const [row] = await session.unsafe<{ count: string }[]>(query);
  return Number(row?.count ?? 0);
}

/** Two keys that BigQuery holds for different are one to the target: whichever won would be an accident. */
function keysEqualInTarget(plan: IncrementPlan): ProjectorError {
  const { table, key } = plan;
  const columns = key?.columns.map(quoteIdentifier).join(', ');
  return new ProjectorError({
    code: 'KEYS_EQUAL_IN_TARGET',
    message: `rows of different keys in BigQuery have one key (${columns}) in ${quoteTable(table.name)}: the types of its columns round, fold or pad the values`,
    hint: `Nothing was made visible. Give the key types that keep the values apart, or correct the rows. Find them in BigQuery: ${equalKeysQuery(plan)}`,
  });
}

async function rowsSwallowed(
  session: Session,
  { target, table }: IncrementPlan,
  missing: number,
): Promise<ProjectorError> {
  const found = await session.unsafe<{ name: string }[]>(SWALLOWERS, [table.oid]);
  const names = found.map(({ name }) => name);
  const by = names.length === 0 ? '' : `: ${names.join(', ')} may drop them`;
  return new ProjectorError({
    code: 'ROWS_SWALLOWED',
    message: `${missing} of the rows that were sent to ${quoteTable(target)} did not arrive${by}`,
    hint: `Nothing was made visible. Let ${names[0] ?? 'its triggers and rules'} keep every row, or filter the rows by a view in BigQuery.`,
  });
}

/**
 * Row triggers that fire before a row is written (pg_trigger.tgtype: 1 row, 2 before), those of partitions
 * too, and rules.
 */
const SWALLOWERS = `
  SELECT 'trigger ' || quote_ident(tgname) AS name FROM pg_trigger
  WHERE (tgrelid = $1 OR tgrelid IN (SELECT relid FROM pg_partition_tree($1))) AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 3 = 3
  UNION ALL
  SELECT 'rule ' || quote_ident(rulename) FROM pg_rewrite
  WHERE ev_class = $1 AND ev_type IN ('2', '3') AND ev_enabled <> 'D'
  ORDER BY 1`;
