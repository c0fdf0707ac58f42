import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';
import { type DropSet, oidsIn } from '../dependencies/drop-set.ts';

/** A trigger of one of the tables. */
export interface Trigger {
  readonly name: string;
  readonly table: TableName;
  /** pg_get_triggerdef's CREATE TRIGGER, which names the table as the catalog has it. */
  readonly definition: string;
  readonly enabled: string;
  /** The state of the trigger of the partitioned table that it is a clone of; null: it is none. */
  readonly clonedAs: string | null;
}

/** How ALTER TABLE sets what pg_trigger.tgenabled and pg_rewrite.ev_enabled hold. */
export const ENABLED: Readonly<Record<string, string>> = {
  D: 'DISABLE',
  R: 'ENABLE REPLICA',
  A: 'ENABLE ALWAYS',
};

/** The triggers of the tables; refuses those whose state or place could not be kept. */
export async function readTriggers(
  catalog: Catalog,
  { tables, objects }: DropSet,
): Promise<readonly Trigger[]> {
  await refuseTriggers(catalog, tables, oidsIn(objects, 'pg_trigger'));
  // Up to PostgreSQL 14 a clone counts as internal.
  return await catalog.rows<Trigger>`
    SELECT t.tgname AS name, json_build_object('schema', n.nspname, 'name', c.relname) AS table,
      pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled, parent.tgenabled AS "clonedAs"
    FROM pg_trigger t
    LEFT JOIN pg_trigger parent ON parent.oid = t.tgparentid
    LEFT JOIN pg_constraint con ON con.oid = t.tgconstraint AND con.contype <> 't'
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgrelid = ANY (${arrayText(tables)}::oid[]) AND con.oid IS NULL
    ORDER BY n.nspname, c.relname, t.tgname`;
}

/** CREATE TRIGGER on the new table, after its rows: none of them fires it. */
export function createTrigger(trigger: Trigger): readonly string[] {
  if (trigger.clonedAs !== null) return [];
  return [trigger.definition, ...(trigger.enabled === 'O' ? [] : setState(trigger))];
}

/** Once a partition is attached, its clones have the state of the parent's trigger. */
export function finishClonedTrigger(trigger: Trigger): readonly string[] {
  return [null, trigger.enabled].includes(trigger.clonedAs) ? [] : setState(trigger);
}

function setState({ table, name, enabled }: Trigger): readonly string[] {
  const state = ENABLED[enabled] ?? 'ENABLE';
  return [`ALTER TABLE ${quoteTable(table)} ${state} TRIGGER ${quoteIdentifier(name)}`];
}

interface UnsupportedTrigger {
  readonly name: string;
  readonly table: string;
  readonly kind: 'constraint' | 'clone' | 'from';
}

async function refuseTriggers(
  catalog: Catalog,
  tables: readonly number[],
  dropped: readonly number[],
): Promise<void> {
  const { refuse } = catalog;
  const oids = arrayText(tables);
  const rows = await catalog.rows<UnsupportedTrigger>`
    SELECT name, "table", kind FROM (
      SELECT t.oid, t.tgname AS name, t.tgrelid::regclass::text AS table,
        CASE WHEN con.oid IS NOT NULL AND t.tgenabled <> 'O' THEN 'constraint'
          WHEN con.oid IS NULL AND t.tgisinternal AND parent.tgenabled <> t.tgenabled THEN 'clone'
          WHEN con.oid IS NULL AND t.tgrelid <> ALL (${oids}::oid[]) THEN 'from' END AS kind
      FROM pg_trigger t
      LEFT JOIN pg_trigger parent ON parent.oid = t.tgparentid
      LEFT JOIN pg_constraint con ON con.oid = t.tgconstraint AND con.contype <> 't'
      WHERE t.oid = ANY (${arrayText(dropped)}::oid[])
        OR con.conrelid = ANY (${oids}::oid[]) OR con.confrelid = ANY (${oids}::oid[])) AS found
    WHERE kind IS NOT NULL ORDER BY name, oid`;
  for (const { name, table, kind } of rows) {
    const trigger = quoteIdentifier(name);
    if (kind === 'from') {
      const hint = `DROP TRIGGER ${trigger} ON ${table};`;
      refuse.unsupported(`constraint trigger ${trigger} of ${table}`, 'is declared FROM it', hint);
    } else {
      const object =
        kind === 'clone' ? `trigger ${trigger}` : 'a trigger that enforces a constraint';
      const reason = 'is disabled, and only a superuser can disable it again after the swap';
      const hint = `ALTER TABLE ${table} ENABLE TRIGGER ${kind === 'clone' ? trigger : 'ALL'};`;
      refuse.unsupported(`${object} of ${table}`, reason, hint);
    }
  }
}
