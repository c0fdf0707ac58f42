import type postgres from 'postgres';
import { isSameTable, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { arrayText } from '../catalog.ts';
import type { Reader } from '../dependencies/drop-set.ts';
import type { Refusals } from '../refusals.ts';

/** A partitioned table that stays, while leaves below it are replaced. */
export interface PartitionedTable extends TableName {
  readonly owner: string;
  /** Whether it is above the target; otherwise it is the target, or one below it. */
  readonly above: boolean;
  /** pg_get_partkeydef's text: `RANGE (day)`. */
  readonly key: string;
  /** Its own place, if it is a partition itself. */
  readonly partition: Partition | null;
  readonly defaultPartition: TableName | null;
}

/** What makes a table a partition. */
export interface Partition {
  readonly parent: TableName;
  /** `FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`, or `DEFAULT`. */
  readonly bound: string;
  /** The condition that each of its rows meets, by the bounds of all levels, as SQL. */
  readonly condition: string;
}

interface PartitionedTableFacts {
  readonly owned: boolean;
  /** Indexes that some partitions lack: ATTACH PARTITION would build them. */
  readonly invalidIndexes: readonly string[];
  /** Partitions that an interrupted DETACH PARTITION ... CONCURRENTLY left half detached. */
  readonly pending: readonly string[];
}

/** The partitioned tables above the tables, from the top down. */
export const readPartitionedTables: Reader<PartitionedTable> = (
  catalog,
  { above, partitioned },
) => {
  const oids = arrayText([...above, ...partitioned]);
  return catalog.objects(refusePartitionedTable)`
    SELECT n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      c.oid = ANY (${arrayText(above)}::oid[]) AS above, pg_get_partkeydef(c.oid) AS key,
      ${partitionColumn(catalog.sql)},
      (SELECT json_build_object('schema', dn.nspname, 'name', d.relname)
        FROM pg_class d JOIN pg_namespace dn ON dn.oid = d.relnamespace
        WHERE d.oid = p.partdefid) AS "defaultPartition",
      json_build_object('owned', pg_has_role(c.relowner, 'USAGE'),
        'invalidIndexes', ARRAY(SELECT indexrelid::regclass::text FROM pg_index
          WHERE indrelid = c.oid AND NOT indisvalid ORDER BY 1),
        -- inhdetachpending is of PostgreSQL 14 and later
        'pending', ARRAY(SELECT inhrelid::regclass::text FROM pg_inherits i
          WHERE inhparent = c.oid AND (to_jsonb(i) ->> 'inhdetachpending')::boolean
          ORDER BY 1)) AS facts
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_partitioned_table p ON p.partrelid = c.oid
    WHERE c.oid = ANY (${oids}::oid[])
    ORDER BY array_position(${oids}::oid[], c.oid)`;
};

/** The column `partition` of a query on pg_class as `c`: a Partition, or NULL. */
export function partitionColumn(sql: postgres.ISql): postgres.Fragment {
  return sql`CASE WHEN c.relispartition THEN (
      SELECT json_build_object('parent', json_build_object('schema', pn.nspname, 'name', p.relname),
        'bound', pg_get_expr(c.relpartbound, c.oid),
        'condition', pg_get_partition_constraintdef(c.oid))
      FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
      JOIN pg_namespace pn ON pn.oid = p.relnamespace
      WHERE i.inhrelid = c.oid) END AS partition`;
}

/** ATTACH PARTITION. It scans `table` unless a CHECK of it implies the bound. */
export function attachPartition(table: TableName, parent: TableName, bound: string): string {
  return `ALTER TABLE ${quoteTable(parent)} ATTACH PARTITION ${quoteTable(table)} ${bound}`;
}

export function detachPartition(table: TableName, parent: TableName): string {
  return `ALTER TABLE ${quoteTable(parent)} DETACH PARTITION ${quoteTable(table)}`;
}

/**
 * `tables` in an order in which none is attached beside a default partition that has rows: the server
 * would scan those. On each level the default comes last, with all that is below it.
 */
export function inAttachOrder<T extends { readonly partition: Partition | null }>(
  tables: readonly T[],
  partitioned: readonly PartitionedTable[],
): readonly T[] {
  const path = (partition: Partition | null): string => {
    if (partition === null) return '';
    const parent = partitioned.find((table) => isSameTable(table, partition.parent));
    return path(parent?.partition ?? null) + (partition.bound === 'DEFAULT' ? '1' : '0');
  };
  return tables
    .map((table) => ({ table, path: path(table.partition) }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    .map(({ table }) => table);
}

function refusePartitionedTable(
  refuse: Refusals,
  table: PartitionedTable,
  facts: PartitionedTableFacts,
): void {
  const place = quoteTable(table);
  if (!facts.owned) refuse.missingMembership(`partitioned table ${place}`, table.owner);
  for (const index of facts.invalidIndexes) {
    const hint = `Create it on every partition and attach those (ALTER INDEX ${index} ATTACH PARTITION ...), or DROP INDEX ${index};`;
    refuse.unsupported(`index ${index} of ${place}`, 'is not valid: partitions lack it', hint);
  }
  for (const partition of facts.pending) {
    const hint = `ALTER TABLE ${place} DETACH PARTITION ${partition} FINALIZE;`;
    refuse.unsupported(`partition ${partition} of ${place}`, 'is half detached', hint);
  }
}
