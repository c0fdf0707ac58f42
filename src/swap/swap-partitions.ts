import { quoteIdentifier, quoteTable } from '../postgres/quoting.ts';
import { addedComments } from './build/staging.ts';
import { boundCheckName, ownTree } from './build/staging-tree.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { addedColumnDefinition } from './objects/columns.ts';
import { attachPartition, inAttachOrder } from './objects/partitions.ts';
import type { Table } from './objects/table.ts';
import { isAmong } from './of-table.ts';
import type { SwapPlan } from './swap-plan.ts';
import type { Step } from './swap-step.ts';

/**
 * Makes the new tables the partitions that the old ones were, once those are dropped. The partitioned
 * tables above stay the same objects, with all that depends on them. No row is read: a CHECK of each
 * table implies its bound. They go when all are attached: in between, each would take five times as
 * long (120 partitions, PostgreSQL 18).
 */
export function attachTables(plan: SwapPlan, dependents: Dependents): readonly Step[] {
  const { tables, partitioned } = dependents;
  return [
    ...addColumns(plan, dependents),
    ...inAttachOrder(tables, partitioned).flatMap((table) => attach(dependents, table)),
    ...tables.flatMap((table) => dropBoundCheck(plan, table)),
  ];
}

function attach(dependents: Dependents, table: Table): readonly Step[] {
  const { partition } = table;
  if (partition === null) return [];
  const { schema, name } = table;
  const statement = attachPartition({ schema, name }, partition.parent, partition.bound);
  const scanned = scannedDefault(dependents, table);
  if (scanned === undefined) return [{ statement }];
  return [{ statement, reason: `default partition ${scanned} scanned` }];
}

function dropBoundCheck(plan: SwapPlan, table: Table): readonly Step[] {
  if (table.partition === null) return [];
  const check = quoteIdentifier(boundCheckName(plan, table));
  return [{ statement: `ALTER TABLE ${quoteTable(table)} DROP CONSTRAINT ${check}` }];
}

/** A default partition that stays: the server looks whether it has rows that belong to `table`. */
function scannedDefault(dependents: Dependents, { partition }: Table): string | undefined {
  const { tables, partitioned } = dependents;
  const parent = partitioned.find((table) => partition && isAmong([table], partition.parent));
  const other = parent?.defaultPartition ?? null;
  if (other === null || isAmong(tables, other) || isAmong(ownTree(dependents), other)) {
    return undefined;
  }
  return quoteTable(other);
}

/** ADD COLUMN on a partitioned target, which goes down the tree while that has no leaves. */
function addColumns(plan: SwapPlan, dependents: Dependents): readonly Step[] {
  const { target, added } = plan;
  if (ownTree(dependents).length === 0) return [];
  return [
    ...added.map(
      (column) =>
        `ALTER TABLE ${quoteTable(target)} ADD COLUMN ${addedColumnDefinition(target, column)}`,
    ),
    ...addedComments(target, added),
  ].map((statement) => ({ statement }));
}
