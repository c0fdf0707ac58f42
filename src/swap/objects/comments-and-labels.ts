import { quoteIdentifier, quoteLiteral } from '../../postgres/quoting.ts';
import { arrayText, type Catalog, readRows } from '../catalog.ts';
import type { CatalogObject } from '../dependencies/drop-set.ts';

/** A comment, a security label, or a tie to an extension (DEPENDS ON EXTENSION) of an object. */
export interface CommentOrLabel {
  readonly kind: 'comment' | 'label' | 'extension';
  /** As COMMENT ON and ALTER name it: `COLUMN public.t.a`, `TRIGGER x ON public.t`. */
  readonly object: string;
  /** The label's provider or the extension. */
  readonly by: string | null;
  readonly text: string;
}

/** Everything said about objects that are made again, or that lose it by being replaced. */
export async function readCommentsAndLabels(
  catalog: Catalog,
  dropSet: readonly CatalogObject[],
  replaced: readonly CatalogObject[],
): Promise<readonly CommentOrLabel[]> {
  const made = [dropSet.map((object) => object.catalog), dropSet.map(({ oid }) => oid)] as const;
  const tied = [...dropSet, ...replaced];
  const rows = await readRows<{
    kind: CommentOrLabel['kind'];
    type: string;
    identity: string;
    by: string | null;
    text: string;
  }>(
    catalog,
    catalog.sql`
    WITH made(classid, oid) AS (
      SELECT catalog::regclass, oid FROM unnest(${arrayText(made[0])}::text[], ${arrayText(made[1])}::oid[])
        AS listed(catalog, oid)
    ), tied(classid, oid) AS (
      SELECT catalog::regclass, oid FROM unnest(${arrayText(tied.map((object) => object.catalog))}::text[],
        ${arrayText(tied.map(({ oid }) => oid))}::oid[]) AS listed(catalog, oid)
    ), said AS (
      SELECT 'comment' AS kind, d.classoid, d.objoid, d.objsubid, NULL AS by, d.description AS text
      FROM made JOIN pg_description d ON d.classoid = made.classid AND d.objoid = made.oid
      UNION ALL
      SELECT 'label', l.classoid, l.objoid, l.objsubid, l.provider, l.label
      FROM made JOIN pg_seclabel l ON l.classoid = made.classid AND l.objoid = made.oid
      UNION ALL
      SELECT 'extension', d.classid, d.objid, 0, e.extname, ''
      FROM tied JOIN pg_depend d ON d.classid = tied.classid AND d.objid = tied.oid
        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
      JOIN pg_extension e ON e.oid = d.refobjid
    )
    SELECT said.kind, named.type, named.identity, said.by, said.text
    FROM said
    CROSS JOIN LATERAL pg_identify_object(said.classoid, said.objoid, said.objsubid) AS named
    ORDER BY said.kind, named.type, named.identity, said.by`,
  );
  return rows.map(({ kind, type, identity, by, text }) => ({
    kind,
    object: `${commentType(type)} ${identity}`,
    by,
    text,
  }));
}

/** The statement that says it again, once every object has its final name. */
export function commentStatement({ kind, object, by, text }: CommentOrLabel): string {
  if (kind === 'comment') return `COMMENT ON ${object} IS ${quoteLiteral(text)}`;
  const other = quoteIdentifier(by ?? '');
  if (kind === 'label') return `SECURITY LABEL FOR ${other} ON ${object} IS ${quoteLiteral(text)}`;
  return `ALTER ${object} DEPENDS ON EXTENSION ${other}`;
}

/** pg_identify_object's type in the words of COMMENT ON. */
function commentType(type: string): string {
  if (type.endsWith(' column')) return 'COLUMN';
  if (type === 'table constraint') return 'CONSTRAINT';
  if (type === 'statistics object') return 'STATISTICS';
  return type.toUpperCase();
}
