import type { Catalog } from '../catalog.ts';

/** What a full load of a relation replaces, and what of its partition tree stays. Oids. */
export interface PartitionTree {
  /** The relation that is loaded. */
  readonly target: number;
  /** The tables that are replaced: the target itself, or the leaves of its partition tree. */
  readonly tables: readonly number[];
  /** The partitioned tables above the target, from the top down. */
  readonly above: readonly number[];
  /** Those from the target down, whose leaves are replaced while they stay. */
  readonly partitioned: readonly number[];
}

/** Reads the partition tree that `target` is in, from pg_inherits. */
export async function readPartitionTree(catalog: Catalog, target: number): Promise<PartitionTree> {
  const below = await catalog.rows<{ oid: number; leaf: boolean }>`
    SELECT relid::oid::int8 AS oid, isleaf AS leaf FROM pg_partition_tree(${target}::oid::regclass)
    ORDER BY level, relid::text`;
  const above = await catalog.rows<{ oid: number }>`
    SELECT relid::oid::int8 AS oid FROM pg_partition_ancestors(${target}::oid::regclass)
      WITH ORDINALITY AS ancestor(relid, level)
    WHERE relid <> ${target} ORDER BY level DESC`;
  const leaves = below.filter(({ leaf }) => leaf).map(({ oid }) => oid);
  return {
    target,
    tables: below.length === 0 ? [target] : leaves,
    above: above.map(({ oid }) => oid),
    partitioned: below.filter(({ leaf }) => !leaf).map(({ oid }) => oid),
  };
}
