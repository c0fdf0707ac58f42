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

interface LockRow extends Omit<Lock, 'method'> {
  readonly oid: number;
  readonly method: Lock['method'] | null;
}

/**
 * The relations to lock, in order: what readers lock first comes first. These are the outermost
 * views down to the innermost, then tables that refer to the tables or that they refer to, then the
 * partitioned tables from the top down, the tables last. A referenced table of others, on which the
 * user has no right that LOCK TABLE asks for, is left out: it is locked when the old foreign key
 * goes, under the same lock_timeout.
 */
export async function readLocks(catalog: Catalog, dropSet: DropSet): Promise<readonly Lock[]> {
  const { tables, above, partitioned, views } = dropSet;
  const tree = [...above, ...partitioned, ...tables];
  const found = [...dropSet.objects, ...dropSet.dependents];
  const filled = views.filter(isFilled).map(({ oid }) => oid);
  const rows = await catalog.rows<LockRow>`
    WITH replaced(oid) AS (SELECT unnest(${arrayText(tables)}::oid[])),
    tree(oid) AS (SELECT unnest(${arrayText(tree)}::oid[])),
    parent(oid) AS (SELECT inhparent FROM pg_inherits JOIN replaced ON oid = inhrelid),
    touched(oid) AS (
      SELECT unnest(${arrayText([...tables, ...partitioned, ...filled])}::oid[])
      UNION SELECT ev_class FROM pg_rewrite
        WHERE oid = ANY (${arrayText(oidsIn(found, 'pg_rewrite'))}::oid[])
      UNION SELECT polrelid FROM pg_policy
        WHERE oid = ANY (${arrayText(oidsIn(found, 'pg_policy'))}::oid[])
      UNION SELECT adrelid FROM pg_attrdef
        WHERE oid = ANY (${arrayText(oidsIn(found, 'pg_attrdef'))}::oid[])
      UNION SELECT unnest(ARRAY[conrelid, confrelid]) FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN (SELECT oid FROM tree)
      UNION SELECT confrelid FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN (SELECT oid FROM replaced)
      UNION SELECT oid FROM parent
      UNION SELECT partdefid FROM pg_partitioned_table JOIN parent ON oid = partrelid
    )
    SELECT c.oid::int8, n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      c.relkind AS kind,
      CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN 'alter-owner'
        WHEN c.relkind IN ('r', 'p') AND (has_table_privilege(c.oid, 'UPDATE')
          OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE'))
        THEN 'lock-table' END AS method
    FROM touched JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
    ORDER BY array_position(${arrayText(tree)}::oid[], c.oid) NULLS FIRST, n.nspname, c.relname`;
  const depths = new Map(views.map((view) => [view.oid, view.depth]));
  const depthOf = ({ oid }: LockRow) => depths.get(oid) ?? 0;
  return rows
    .toSorted((a, b) => depthOf(b) - depthOf(a))
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
