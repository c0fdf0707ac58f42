import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog, readRows } from '../catalog.ts';

/** A trigger of the target. */
export interface Trigger {
  readonly name: string;
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

/** The target's triggers; refuses those whose state or place could not be given back. */
export async function readTriggers(
  catalog: Catalog,
  target: number,
  dropSet: readonly number[],
): Promise<readonly Trigger[]> {
  const rows = await readRows<
    Trigger & { readonly table: string; readonly own: boolean; readonly internal: boolean }
  >(
    catalog,
    catalog.sql`
    SELECT t.tgname AS name, pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled,
      t.tgrelid::regclass::text AS table, t.tgrelid = ${target} AS own, t.tgisinternal AS internal
    FROM pg_trigger t
    LEFT JOIN pg_constraint key ON key.oid = t.tgconstraint AND key.contype = 'f'
    WHERE t.oid = ANY (${arrayText(dropSet)}::oid[]) OR ${target} IN (key.conrelid, key.confrelid)
    ORDER BY t.tgname, t.oid`,
  );
  for (const row of rows) {
    if (row.internal && row.enabled !== 'O') {
      catalog.refuse({
        code: 'UNSUPPORTED_DEPENDENT',
        message: `a trigger that enforces a constraint of ${row.table} is switched off, which only a superuser can do again`,
        hint: `ALTER TABLE ${row.table} ENABLE TRIGGER ALL;`,
      });
    }
    if (!row.internal && !row.own) {
      catalog.refuse({
        code: 'UNSUPPORTED_DEPENDENT',
        message: `constraint trigger ${quoteIdentifier(row.name)} of ${row.table} is declared FROM it`,
        hint: `DROP TRIGGER ${quoteIdentifier(row.name)} ON ${row.table};`,
      });
    }
  }
  return rows
    .filter((row) => !row.internal && row.own)
    .map(({ name, definition, enabled }) => ({ name, definition, enabled }));
}

/** CREATE TRIGGER on the new table, after its rows: none of them fires it. */
export function createTrigger(trigger: Trigger, table: TableName): readonly string[] {
  const state = ENABLED[trigger.enabled];
  if (state === undefined) return [trigger.definition];
  return [
    trigger.definition,
    `ALTER TABLE ${quoteTable(table)} ${state} TRIGGER ${quoteIdentifier(trigger.name)}`,
  ];
}
