import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog, readRows } from '../catalog.ts';
import { ENABLED } from './triggers.ts';

/** A rule (CREATE RULE), views' own SELECT rules apart. */
export interface Rule {
  readonly name: string;
  readonly table: TableName;
  /** pg_get_ruledef without its `CREATE RULE `. */
  readonly definition: string;
  readonly enabled: string;
  readonly own: boolean;
}

/** The target's own rules, and those of other tables and views (by oid) that use it. */
export async function readRules(
  catalog: Catalog,
  target: number,
  others: readonly number[],
): Promise<readonly Rule[]> {
  return await readRows<Rule>(
    catalog,
    catalog.sql`
    SELECT r.rulename AS name, json_build_object('schema', n.nspname, 'name', c.relname) AS table,
      regexp_replace(pg_get_ruledef(r.oid), '^CREATE RULE ', '') AS definition,
      r.ev_enabled AS enabled, r.ev_class = ${target} AS own
    FROM pg_rewrite r
    JOIN pg_class c ON c.oid = r.ev_class
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.ev_type <> '1' AND (r.ev_class = ${target} OR r.oid = ANY (${arrayText(others)}::oid[]))
    ORDER BY n.nspname, c.relname, r.rulename`,
  );
}

/** CREATE OR REPLACE RULE: makes the target's rules anew, and binds others' in place. */
export function createRule(rule: Rule): readonly string[] {
  const create = `CREATE OR REPLACE RULE ${rule.definition.replace(/;\s*$/, '')}`;
  const state = ENABLED[rule.enabled];
  if (!rule.own || state === undefined) return [create];
  return [
    create,
    `ALTER TABLE ${quoteTable(rule.table)} ${state} RULE ${quoteIdentifier(rule.name)}`,
  ];
}
