import { quoteIdentifier } from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';
import { type DropSet, oidsIn } from '../dependencies/drop-set.ts';

/** Refuses tablespaces of what has to be recreated in which the user may not create. */
export async function refuseTablespaces(catalog: Catalog, { objects }: DropSet): Promise<void> {
  const { refuse } = catalog;
  const rows = await catalog.rows<{ tablespace: string; relation: string }>`
    SELECT ts.spcname AS tablespace, pg_describe_object('pg_class'::regclass, c.oid, 0) AS relation
    FROM pg_class c JOIN pg_tablespace ts ON ts.oid = c.reltablespace
    WHERE c.oid = ANY (${arrayText(oidsIn(objects, 'pg_class'))}::oid[])
      AND NOT has_tablespace_privilege(ts.oid, 'CREATE')
    ORDER BY 1, 2`;
  for (const { tablespace, relation } of rows) {
    const name = quoteIdentifier(tablespace);
    refuse.missingRight(
      `${relation} is in tablespace ${name}, where ${refuse.user} may not create`,
      `GRANT CREATE ON TABLESPACE ${name} TO ${refuse.user};`,
    );
  }
}
