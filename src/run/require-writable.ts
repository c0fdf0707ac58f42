import { ProjectorError } from '../errors.ts';
import type { IncrementPlan } from '../plan/plan.ts';
import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import type { Context } from './context.ts';
import { targetChanged } from './run-refusals.ts';

/** What the catalog tells of the writing of an increment. */
interface Writable {
  readonly database: string;
  readonly role: string;
  readonly may_make_temporary: boolean;
  readonly is_owner: boolean;
  readonly missing: readonly string[];
  /** INSERT and UPDATE rules: ON CONFLICT takes no table that has them, and they can swallow an INSERT. */
  readonly rules: readonly string[];
  /** Triggers that fire before a row is written, and can drop it. */
  readonly triggers: readonly string[];
  /** Publications of updates that a table without replica identity cannot take part in. */
  readonly publications: readonly string[];
}

/**
 * Asks before the export for all that the catalog can tell of the writing: rights, rules, replica
 * identity. Throws PERMISSION_DENIED or CANNOT_UPSERT for what would fail at the end, and TARGET_CHANGED
 * where the target is gone; answers the warnings of what may.
 */
export async function requireWritable(
  context: Context,
  plan: IncrementPlan,
): Promise<readonly string[]> {
  const needed = plan.writeMode === 'upsert' ? ['INSERT', 'UPDATE', 'SELECT'] : ['INSERT'];
  const [row] = await context.lockedSession.run((session) =>
    session.unsafe<{ found: string }[]>(writableQuery(plan.table.oid, needed)),
  );
  if (row === undefined) throw targetChanged(context, 'it is gone');
  const found = JSON.parse(row.found) as Writable;
  requireRights(plan, found);
  requireNoRules(plan, found);
  return found.triggers.map(
    (name) =>
      `trigger ${quoteIdentifier(name)} of ${quoteTable(plan.target)} runs before each row: if it drops one, the run ends without a change`,
  );
}

/** Trigger types of pg_trigger.tgtype: 1 for each row, 2 before, 4 INSERT. */
function writableQuery(oid: number, needed: readonly string[]): string {
  const list = (query: string) =>
    `(SELECT coalesce(json_agg(name), '[]') FROM (${query}) AS listed)`;
  const missing = needed.map(
    (right) => `SELECT '${right}' AS name WHERE NOT has_table_privilege(c.oid, '${right}')`,
  );
  return `SELECT json_build_object('database', current_database(), 'role', current_user,
      'may_make_temporary', has_database_privilege(current_database(), 'TEMPORARY'),
      'is_owner', pg_has_role(c.relowner, 'USAGE'),
      'missing', ${list(missing.join(' UNION ALL '))},
      'rules', ${list(`SELECT rulename AS name FROM pg_rewrite
        WHERE ev_class = c.oid AND ev_type IN ('2', '3') AND ev_enabled <> 'D'`)},
      'triggers', ${list(`SELECT tgname AS name FROM pg_trigger
        WHERE tgrelid = c.oid AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 7 = 7`)},
      'publications', ${list(`SELECT p.pubname AS name FROM pg_publication p
        JOIN pg_publication_tables t USING (pubname)
        WHERE p.pubupdate AND c.relreplident = 'n'
          AND (t.schemaname, t.tablename) = (n.nspname, c.relname)`)})::text AS found
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ${oid}`;
}

function requireRights(plan: IncrementPlan, found: Writable): void {
  const table = quoteTable(plan.target);
  const role = quoteIdentifier(found.role);
  const denied = (message: string, hint: string) =>
    new ProjectorError({ code: 'PERMISSION_DENIED', message, hint });
  if (found.missing.length > 0) {
    const rights = found.missing.join(', ');
    throw denied(`${role} lacks ${rights} on ${table}`, `GRANT ${rights} ON ${table} TO ${role};`);
  }
  if (plan.createTempTable.length > 0 && !found.may_make_temporary) {
    const database = quoteIdentifier(found.database);
    throw denied(
      `${role} may not make temporary tables in ${database}, in which the rows of an ${plan.writeMode} wait`,
      `GRANT TEMPORARY ON DATABASE ${database} TO ${role};`,
    );
  }
  if (plan.addColumns.length === 0 || found.is_owner) return;
  const names = plan.added.map(({ name }) => name).join(', ');
  throw denied(
    `BigQuery has new columns (${names}), and only the owner of ${table} can add them`,
    `As the owner: ${plan.addColumns.join('; ')};`,
  );
}

function requireNoRules(plan: IncrementPlan, { rules, publications }: Writable): void {
  if (plan.writeMode === 'append') return;
  const table = quoteTable(plan.target);
  const refused = (message: string, hint: string) =>
    new ProjectorError({ code: 'CANNOT_UPSERT', message, hint });
  const [rule] = rules;
  if (rule !== undefined) {
    throw refused(
      `${table} has the rule ${quoteIdentifier(rule)}, by which the rows of an ${plan.writeMode} could go elsewhere`,
      `DROP RULE ${quoteIdentifier(rule)} ON ${table};`,
    );
  }
  const [publication] = publications;
  if (publication === undefined || plan.writeMode !== 'upsert') return;
  throw refused(
    `publication ${quoteIdentifier(publication)} publishes the updates of ${table}, which has no replica identity`,
    `ALTER TABLE ${table} REPLICA IDENTITY DEFAULT;`,
  );
}
