import { quoteIdentifier } from '../../postgres/quoting.ts';
import { arrayText, type Catalog, readRows } from '../catalog.ts';

/** Refuses tablespaces of the given relations in which the user may not create anew. */
export async function refuseTablespaces(
  catalog: Catalog,
  relations: readonly number[],
): Promise<void> {
  const rows = await readRows<{ tablespace: string; relation: string }>(
    catalog,
    catalog.sql`
    SELECT ts.spcname AS tablespace, pg_describe_object('pg_class'::regclass, c.oid, 0) AS relation
    FROM pg_class c JOIN pg_tablespace ts ON ts.oid = c.reltablespace
    WHERE c.oid = ANY (${arrayText(relations)}::oid[])
      AND NOT has_tablespace_privilege(ts.oid, 'CREATE')
    ORDER BY 1, 2`,
  );
  const user = quoteIdentifier(catalog.currentUser);
  for (const row of rows) {
    const tablespace = quoteIdentifier(row.tablespace);
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `${row.relation} is in tablespace ${tablespace}, where ${user} may not create`,
      hint: `GRANT CREATE ON TABLESPACE ${tablespace} TO ${user};`,
    });
  }
}
