import type { TableName } from '../../postgres/quoting.ts';
import { arrayText, type Catalog } from '../catalog.ts';

/** A view or materialized view above the tables that are replaced, directly or through others. */
export interface DependentView extends TableName {
  readonly oid: number;
  readonly kind: 'v' | 'm';
  readonly populated: boolean;
  /** Length of the longest dependency path to the tables: what is read comes before what reads it. */
  readonly depth: number;
}

/** Whether it holds rows that come from the tables. */
export function isFilled(view: DependentView): boolean {
  return view.kind === 'm' && view.populated;
}

interface Edge extends TableName {
  readonly reader: string;
  readonly reads: string;
  readonly oid: number;
  readonly kind: string;
  readonly populated: boolean;
}

/**
 * All views and materialized views above `tables`, through views and SQL functions, the nearest
 * first. Circles (a view on a function on that view) are cut where they close.
 */
export async function readDependentViews(
  catalog: Catalog,
  tables: readonly number[],
): Promise<readonly DependentView[]> {
  const edges = await catalog.rows<Edge>`
    WITH RECURSIVE edge(reader_class, reader, reads_class, reads) AS (
      SELECT 'pg_class'::regclass::oid, unnest(${arrayText(tables)}::oid[]), NULL::oid, NULL::oid
      UNION
      SELECT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END,
        coalesce(r.ev_class, d.objid), edge.reader_class, edge.reader
      FROM edge
      JOIN pg_depend d ON d.refclassid = edge.reader_class AND d.refobjid = edge.reader
        AND d.deptype = 'n' AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
      LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
      WHERE r.oid IS NULL OR r.ev_type = '1'
    )
    SELECT edge.reader_class || '/' || edge.reader AS reader,
      edge.reads_class || '/' || edge.reads AS reads, edge.reader::int8 AS oid,
      coalesce(c.relkind, 'f') AS kind, coalesce(n.nspname, '') AS schema,
      coalesce(c.relname, '') AS name, coalesce(c.relispopulated, false) AS populated
    FROM edge
    LEFT JOIN pg_class c ON edge.reader_class = 'pg_class'::regclass AND c.oid = edge.reader
    LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE edge.reads IS NOT NULL AND (edge.reader_class, edge.reader) <> (edge.reads_class, edge.reads)
    ORDER BY 1, 2`;
  const depths = depthsOf(edges);
  const views = new Map<string, DependentView>();
  for (const { reader, oid, kind, schema, name, populated } of edges) {
    if (kind !== 'v' && kind !== 'm') continue;
    views.set(reader, { oid, kind, schema, name, populated, depth: depths(reader) });
  }
  return [...views.values()].sort(
    (a, b) => a.depth - b.depth || compare(a.schema, b.schema) || compare(a.name, b.name),
  );
}

function depthsOf(edges: readonly Edge[]): (node: string) => number {
  const reads = Map.groupBy(edges, ({ reader }) => reader);
  const known = new Map<string, number>();
  const depth = (node: string): number => {
    const before = known.get(node);
    if (before !== undefined) return before;
    known.set(node, 0);
    const below = (reads.get(node) ?? []).map((edge) => depth(edge.reads));
    const own = below.length === 0 ? 0 : 1 + Math.max(...below);
    known.set(node, own);
    return own;
  };
  return depth;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
