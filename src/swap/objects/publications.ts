import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { type Catalog, readRows } from '../catalog.ts';

/** A publication that names the target; those FOR ALL TABLES or of a schema need nothing. */
export interface Publication {
  readonly name: string;
  /** Only in PostgreSQL 15 and later; null: all columns. */
  readonly columns: readonly string[] | null;
  readonly filter: string | null;
}

/** The publications that the target was added to by name. */
export async function readPublications(
  catalog: Catalog,
  target: number,
): Promise<readonly Publication[]> {
  const { sql, majorVersion } = catalog;
  const details =
    majorVersion >= 15
      ? sql`CASE WHEN pr.prattrs IS NOT NULL THEN ARRAY(
          SELECT a.attname FROM unnest(pr.prattrs::int2[]) WITH ORDINALITY AS listed(attnum, place)
          JOIN pg_attribute a ON a.attrelid = pr.prrelid AND a.attnum = listed.attnum
          ORDER BY listed.place) END AS columns,
          pg_get_expr(pr.prqual, pr.prrelid) AS filter`
      : sql`NULL::text[] AS columns, NULL::text AS filter`;
  const rows = await readRows<Publication & { readonly owner: string; readonly owned: boolean }>(
    catalog,
    sql`
    SELECT p.pubname AS name, ${details}, pg_get_userbyid(p.pubowner) AS owner,
      pg_has_role(p.pubowner, 'USAGE') AS owned
    FROM pg_publication_rel pr JOIN pg_publication p ON p.oid = pr.prpubid
    WHERE pr.prrelid = ${target}
    ORDER BY 1`,
  );
  for (const row of rows) {
    if (row.owned) continue;
    catalog.refuse({
      code: 'INSUFFICIENT_PRIVILEGE',
      message: `publication ${quoteIdentifier(row.name)} publishes it and belongs to ${quoteIdentifier(row.owner)}, of which ${quoteIdentifier(catalog.currentUser)} is not a member`,
      hint: `GRANT ${quoteIdentifier(row.owner)} TO ${quoteIdentifier(catalog.currentUser)};`,
    });
  }
  return rows.map(({ name, columns, filter }) => ({ name, columns, filter }));
}

/** ALTER PUBLICATION ... ADD TABLE; the old table leaves it when it is dropped. */
export function publish(publication: Publication, table: TableName): string {
  const columns =
    publication.columns === null
      ? ''
      : ` (${publication.columns.map((column) => quoteIdentifier(column)).join(', ')})`;
  const filter = publication.filter === null ? '' : ` WHERE (${publication.filter})`;
  const name = quoteIdentifier(publication.name);
  return `ALTER PUBLICATION ${name} ADD TABLE ONLY ${quoteTable(table)}${columns}${filter}`;
}
