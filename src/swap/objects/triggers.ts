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
  return await catalog.rows<Trigger>`
    SELECT t.tgname AS name, json_build_object('schema', n.nspname, 'name', c.relname) AS table,
      pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgrelid = ANY (${arrayText(tables)}::oid[]) AND NOT t.tgisinternal
    ORDER BY n.nspname, c.relname, t.tgname`;
}

/** CREATE TRIGGER on the new table, after its rows: none of them fires it. */
export function createTrigger(trigger: Trigger): readonly string[] {
  const state = ENABLED[trigger.enabled];
  if (state === undefined) return [trigger.definition];
  return [
    trigger.definition,
    `ALTER TABLE ${quoteTable(trigger.table)} ${state} TRIGGER ${quoteIdentifier(trigger.name)}`,
  ];
}

async function refuseTriggers(
  catalog: Catalog,
  tables: readonly number[],
  dropped: readonly number[],
): Promise<void> {
  const { refuse } = catalog;
  const oids = arrayText(tables);
  const rows = await catalog.rows<{ name: string; table: string; internal: boolean }>`
    SELECT t.tgname AS name, t.tgrelid::regclass::text AS table, t.tgisinternal AS internal
    FROM pg_trigger t
    LEFT JOIN pg_constraint key ON key.oid = t.tgconstraint AND key.contype = 'f'
    WHERE (t.oid = ANY (${arrayText(dropped)}::oid[])
        OR key.conrelid = ANY (${oids}::oid[]) OR key.confrelid = ANY (${oids}::oid[]))
      AND (t.tgisinternal AND t.tgenabled <> 'O'
        OR NOT t.tgisinternal AND t.tgrelid <> ALL (${oids}::oid[]))
    ORDER BY t.tgname, t.oid`;
  for (const { name, table, internal } of rows) {
    if (internal) {
      const reason = 'is disabled, and only a superuser can disable it again after the swap';
      const hint = `ALTER TABLE ${table} ENABLE TRIGGER ALL;`;
      refuse.unsupported(`a trigger that enforces a constraint of ${table}`, reason, hint);
    } else {
      const trigger = quoteIdentifier(name);
      const hint = `DROP TRIGGER ${trigger} ON ${table};`;
      refuse.unsupported(`constraint trigger ${trigger} of ${table}`, 'is declared FROM it', hint);
    }
  }
}
