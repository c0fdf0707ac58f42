import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';

/** A publication that lists one of the tables by name. */
export interface Publication {
  readonly name: string;
  readonly table: TableName;
  /** Only in PostgreSQL 15 and later; null: all columns. */
  readonly columns: readonly string[] | null;
  readonly filter: string | null;
}

interface PublicationFacts {
  readonly owner: string;
  readonly owned: boolean;
}

/** The publications that list the tables; `readListeners` finds those of all tables or a schema. */
export const readPublications: Reader<Publication> = (catalog, { tables }) => {
  const { sql, majorVersion } = catalog;
  const details =
    majorVersion >= 15
      ? sql`CASE WHEN pr.prattrs IS NOT NULL THEN ARRAY(
          SELECT a.attname FROM unnest(pr.prattrs::int2[]) WITH ORDINALITY AS listed(attnum, place)
          JOIN pg_attribute a ON a.attrelid = pr.prrelid AND a.attnum = listed.attnum
          ORDER BY listed.place) END AS columns,
          pg_get_expr(pr.prqual, pr.prrelid) AS filter`
      : sql`NULL::text[] AS columns, NULL::text AS filter`;
  return catalog.objects(refusePublication)`
    SELECT p.pubname AS name, json_build_object('schema', n.nspname, 'name', c.relname) AS table,
      ${details},
      json_build_object('owner', pg_get_userbyid(p.pubowner),
        'owned', pg_has_role(p.pubowner, 'USAGE')) AS facts
    FROM pg_publication_rel pr
    JOIN pg_publication p ON p.oid = pr.prpubid
    JOIN pg_class c ON c.oid = pr.prrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE pr.prrelid = ANY (${arrayText(tables)}::oid[])
    ORDER BY p.pubname, n.nspname, c.relname`;
};

/** ALTER PUBLICATION ... ADD TABLE; the old table leaves it when it is dropped. */
export function rebindPublication(publication: Publication): readonly string[] {
  const columns =
    publication.columns === null
      ? ''
      : ` (${publication.columns.map((column) => quoteIdentifier(column)).join(', ')})`;
  const filter = publication.filter === null ? '' : ` WHERE (${publication.filter})`;
  const table = quoteTable(publication.table);
  return [
    `ALTER PUBLICATION ${quoteIdentifier(publication.name)} ADD TABLE ONLY ${table}${columns}${filter}`,
  ];
}

function refusePublication(refuse: Refusals, { name }: Publication, facts: PublicationFacts): void {
  const object = `publication ${quoteIdentifier(name)} publishes it and`;
  if (!facts.owned) refuse.missingMembership(object, facts.owner);
}
