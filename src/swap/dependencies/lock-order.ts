import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';
import { isFilled } from './dependent-views.ts';
import { type DropSet, oidsIn } from './drop-set.ts';

/** A relation that the swap changes, and how its lock is acquired. */
export interface Lock extends TableName {
  readonly owner: string;
  readonly kind: string;
  /** `alter-owner`: by an ALTER that changes nothing; `lock-table`: by LOCK TABLE. */
  readonly method: 'alter-owner' | 'lock-table';
}

/**
 * The relations to lock besides the tables, in order: what readers lock first comes first (the
 * outermost views down to the innermost, then tables that refer to the tables or that they refer
 * to). A referenced table of others, on which the user has no right that LOCK TABLE asks for, is
 * left out: it is locked when the old foreign key goes, under the same lock_timeout.
 */
export async function readLocks(catalog: Catalog, dropSet: DropSet): Promise<readonly Lock[]> {
  const { tables, views } = dropSet;
  const found = [...dropSet.objects, ...dropSet.dependents];
  const filled = views.filter(isFilled).map(({ oid }) => oid);
  const rows = await catalog.rows<
    Omit<Lock, 'method'> & { readonly oid: number; readonly method: Lock['method'] | null }
  >`
    WITH target(oid) AS (SELECT unnest(${arrayText(tables)}::oid[])), touched(oid) AS (
      SELECT ev_class FROM pg_rewrite WHERE oid = ANY (${arrayText(oidsIn(found, 'pg_rewrite'))}::oid[])
      UNION SELECT polrelid FROM pg_policy WHERE oid = ANY (${arrayText(oidsIn(found, 'pg_policy'))}::oid[])
      UNION SELECT adrelid FROM pg_attrdef WHERE oid = ANY (${arrayText(oidsIn(found, 'pg_attrdef'))}::oid[])
      UNION SELECT conrelid FROM pg_constraint WHERE confrelid IN (SELECT oid FROM target)
      UNION SELECT confrelid FROM pg_constraint
        WHERE conrelid IN (SELECT oid FROM target) AND contype = 'f'
      UNION SELECT unnest(${arrayText(filled)}::oid[])
    )
    SELECT c.oid::int8, n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      c.relkind AS kind,
      CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN 'alter-owner'
        WHEN c.relkind IN ('r', 'p') AND (has_table_privilege(c.oid, 'UPDATE')
          OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE'))
        THEN 'lock-table' END AS method
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid IN (SELECT oid FROM touched EXCEPT SELECT oid FROM target)
    ORDER BY n.nspname, c.relname`;
  const depth = new Map(views.map((view) => [view.oid, view.depth]));
  return rows
    .toSorted((a, b) => (depth.get(b.oid) ?? 0) - (depth.get(a.oid) ?? 0))
    .flatMap(({ oid: _oid, method, ...lock }) => (method === null ? [] : [{ ...lock, method }]));
}

/**
 * Takes the lock ACCESS EXCLUSIVE on one relation. LOCK TABLE on a view would lock everything
 * below it as well, and cannot name a materialized view; changing an owner to itself locks just
 * the one, changes nothing, and needs no right that an owner could have given away.
 */
export function lockStatement({ kind, method, owner, ...table }: Lock): string {
  if (method === 'lock-table')
    return `LOCK TABLE ONLY ${quoteTable(table)} IN ACCESS EXCLUSIVE MODE`;
  const word = kind === 'v' ? 'VIEW' : kind === 'm' ? 'MATERIALIZED VIEW' : 'TABLE';
  return `ALTER ${word} ${quoteTable(table)} OWNER TO ${quoteIdentifier(owner)}`;
}
