import { quoteIdentifier, quoteLiteral } from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';
import type { CatalogObject, DropSet } from '../dependencies/drop-set.ts';

/** A comment, a security label, or a tie to an extension (DEPENDS ON EXTENSION) of an object. */
export interface CommentOrLabel {
  readonly kind: 'comment' | 'label' | 'extension';
  /** As COMMENT ON and ALTER name it: `COLUMN public.t.a`, `TRIGGER x ON public.t`. */
  readonly object: string;
  /** The label's provider or the extension. */
  readonly by: string | null;
  readonly text: string;
}

interface CommentOrLabelRow extends Omit<CommentOrLabel, 'object'> {
  /** pg_identify_object's. */
  readonly type: string;
  readonly identity: string;
}

/** The comments and labels of what is recreated, and the extensions of what is replaced as well. */
export async function readCommentsAndLabels(
  catalog: Catalog,
  { objects, dependents, ...tree }: DropSet,
): Promise<readonly CommentOrLabel[]> {
  const functions = dependents.filter((object) => object.catalog === 'pg_proc');
  const referenced = [...tree.tables, ...tree.partitioned, ...tree.above];
  const list = (found: readonly CatalogObject[]) => catalog.sql`
    SELECT catalog::regclass::oid, oid FROM unnest(
      ${arrayText(found.map((object) => object.catalog))}::text[],
      ${arrayText(found.map(({ oid }) => oid))}::oid[]) AS listed(catalog, oid)`;
  const rows = await catalog.rows<CommentOrLabelRow>`
    WITH recreated(classid, oid) AS (
      ${list(objects)}
      UNION SELECT 'pg_constraint'::regclass::oid, oid FROM pg_constraint
      WHERE contype = 'f' AND conparentid = 0 AND confrelid = ANY (${arrayText(referenced)}::oid[])
    ), tied(classid, oid) AS (
      SELECT classid, oid FROM recreated UNION ALL (${list(functions)})
    ), attached AS (
      SELECT 'comment' AS kind, d.classoid, d.objoid, d.objsubid, NULL AS by, d.description AS text
      FROM recreated r JOIN pg_description d ON d.classoid = r.classid AND d.objoid = r.oid
      UNION ALL
      SELECT 'label', l.classoid, l.objoid, l.objsubid, l.provider, l.label
      FROM recreated r JOIN pg_seclabel l ON l.classoid = r.classid AND l.objoid = r.oid
      UNION ALL
      SELECT 'extension', d.classid, d.objid, 0, e.extname, ''
      FROM tied JOIN pg_depend d ON d.classid = tied.classid AND d.objid = tied.oid
        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
      JOIN pg_extension e ON e.oid = d.refobjid
    )
    SELECT attached.kind, named.type, named.identity, attached.by, attached.text
    FROM attached
    CROSS JOIN LATERAL pg_identify_object(attached.classoid, attached.objoid, attached.objsubid) AS named
    ORDER BY attached.kind, named.type, named.identity, attached.by`;
  return rows.map(({ kind, type, identity, by, text }) => ({
    kind,
    object: `${commentType(type)} ${identity}`,
    by,
    text,
  }));
}

/** The statement that sets it again, once every object has its final name. */
export function commentStatement({ kind, object, by, text }: CommentOrLabel): readonly string[] {
  if (kind === 'comment') return [`COMMENT ON ${object} IS ${quoteLiteral(text)}`];
  const other = quoteIdentifier(by ?? '');
  if (kind === 'extension') return [`ALTER ${object} DEPENDS ON EXTENSION ${other}`];
  return [`SECURITY LABEL FOR ${other} ON ${object} IS ${quoteLiteral(text)}`];
}

/** pg_identify_object's type in the words of COMMENT ON. */
function commentType(type: string): string {
  if (type.endsWith(' column')) return 'COLUMN';
  if (type === 'table constraint') return 'CONSTRAINT';
  if (type === 'statistics object') return 'STATISTICS';
  return type.toUpperCase();
}
