import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import { oidsIn, type Reader } from '../dependencies/drop-set.ts';
import { ENABLED } from './triggers.ts';

/** A rule (CREATE RULE), views' own SELECT rules apart. */
export interface Rule {
  readonly name: string;
  readonly table: TableName;
  /** Whether it is a rule of one of the tables that are replaced, or another's that uses one. */
  readonly own: boolean;
  /** pg_get_ruledef without its `CREATE RULE `. */
  readonly definition: string;
  readonly enabled: string;
}

/** The rules of the tables, and those of other tables and views that use them. */
export const readRules: Reader<Rule> = (catalog, { tables, dependents }) => catalog.rows`
  SELECT r.rulename AS name, json_build_object('schema', n.nspname, 'name', c.relname) AS table,
    r.ev_class = ANY (${arrayText(tables)}::oid[]) AS own,
    regexp_replace(pg_get_ruledef(r.oid), '^CREATE RULE ', '') AS definition,
    r.ev_enabled AS enabled
  FROM pg_rewrite r
  JOIN pg_class c ON c.oid = r.ev_class
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE r.ev_type <> '1' AND (r.ev_class = ANY (${arrayText(tables)}::oid[])
    OR r.oid = ANY (${arrayText(oidsIn(dependents, 'pg_rewrite'))}::oid[]))
  ORDER BY n.nspname, c.relname, r.rulename`;

/** CREATE RULE on the new table, in the state that the old one has. */
export function createRule(rule: Rule): readonly string[] {
  const state = ENABLED[rule.enabled];
  if (state === undefined) return rebindRule(rule);
  return [
    ...rebindRule(rule),
    `ALTER TABLE ${quoteTable(rule.table)} ${state} RULE ${quoteIdentifier(rule.name)}`,
  ];
}

/** CREATE OR REPLACE RULE: another table's rule uses the new table from now on. */
export function rebindRule(rule: Rule): readonly string[] {
  return [`CREATE OR REPLACE RULE ${rule.definition.replace(/;\s*$/, '')}`];
}
