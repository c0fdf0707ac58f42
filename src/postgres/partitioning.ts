import type postgres from 'postgres';
import type { TableName } from './quoting.ts';

/** The place of the target in a partition tree, as far as loading it is concerned. */
export interface Partitioning {
  /** The partitioned tables from the target down; none: it is a leaf. */
  readonly levels: readonly PartitionLevel[];
  /** null: it is no partition itself. */
  readonly place: PartitionPlace | null;
  /** A primary key of a partition, where the target has none; null: no partition has one. */
  readonly leafKey: { readonly table: TableName; readonly columns: readonly string[] } | null;
  /** Whether a partition is unlogged: a crash of the server empties it. */
  readonly unlogged: boolean;
}

/** A partitioned table. */
export interface PartitionLevel extends TableName {
  /** pg_get_partkeydef's text: `RANGE (day)`. */
  readonly key: string;
  /** The columns of the key; expressions of it are left out. */
  readonly columns: readonly string[];
  /** The bounds of its partitions, where it is partitioned by HASH. */
  readonly hashBounds: readonly string[];
}

/** Of a partition: what is above it, and which rows it takes. */
export interface PartitionPlace {
  readonly parent: TableName;
  /** The top of the tree, which gets new columns. */
  readonly root: TableName;
  /** `FOR VALUES ...` or `DEFAULT`. */
  readonly bound: string;
}

const NAME = "json_build_object('schema', n.nspname, 'name', c.relname)";

const PARTITIONING = `
  WITH tree AS MATERIALIZED (
    SELECT c.oid, t.isleaf, t.level, c.relpersistence, ${NAME} AS name
    FROM pg_partition_tree($TABLE) AS t
    JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
  )
  SELECT json_build_object(
    'levels', (SELECT coalesce(json_agg(json_build_object(
        'schema', name ->> 'schema', 'name', name ->> 'name', 'key', pg_get_partkeydef(tree.oid),
        'columns', ARRAY(SELECT attname FROM unnest(partattrs::int2[]) WITH ORDINALITY AS k(attnum, place)
          JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attnum = k.attnum ORDER BY k.place),
        'hashBounds', ARRAY(SELECT pg_get_expr(p.relpartbound, p.oid)
          FROM pg_inherits JOIN pg_class p ON p.oid = inhrelid
          WHERE inhparent = tree.oid AND partstrat = 'h')) ORDER BY level), '[]')
      FROM tree JOIN pg_partitioned_table ON partrelid = tree.oid),
    'place', (SELECT json_build_object('bound', pg_get_expr(child.relpartbound, child.oid),
        'parent', ${NAME}, 'root', (SELECT ${NAME} FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = pg_partition_root(child.oid)))
      FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
      JOIN pg_class c ON c.oid = inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE child.oid = $TABLE AND child.relispartition),
    'leafKey', (SELECT json_build_object('table', name, 'columns', ARRAY(
        SELECT attname FROM unnest(conkey) WITH ORDINALITY AS k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.attnum ORDER BY k.place))
      FROM tree JOIN pg_constraint ON conrelid = tree.oid AND contype = 'p'
      WHERE level > 0 AND NOT EXISTS (
        SELECT FROM pg_constraint own WHERE own.conrelid = $TABLE AND own.contype = 'p')
      ORDER BY tree.name ->> 'name' LIMIT 1),
    'unlogged', EXISTS (SELECT FROM tree WHERE isleaf AND relpersistence = 'u'))::text AS found`;

/** Reads the partition tree of the table that `place`, an SQL expression of type regclass, gives. */
export async function readPartitioning(
  sql: postgres.Sql | postgres.ReservedSql,
  place: string,
): Promise<Partitioning | undefined> {
  const query = PARTITIONING.replaceAll('$TABLE', () => place);
  const [row] = await sql.unsafe<{ found: string }[]>(query);
  return row && (JSON.parse(row.found) as Partitioning);
}
