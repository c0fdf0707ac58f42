import { quoteIdentifier, quoteLiteral, quoteTable } from '../../postgres/quoting.ts';
import type { Dependents } from '../dependencies/dependents.ts';
import { addedColumnDefinition, type Column, parentColumnDefinition } from '../objects/columns.ts';
import { revokeDefaults } from '../objects/grants.ts';
import { attachPartition, detachPartition, type PartitionedTable } from '../objects/partitions.ts';
import type { Table } from '../objects/table.ts';
import { isAmong, ofTable } from '../of-table.ts';
import type { SwapPlan } from '../swap-plan.ts';
import { stagingOf, temporaryName } from '../temporary-names.ts';

/**
 * The partitioned tables of staging, from the root down: they only route rows. What the load draws
 * from a sequence comes from that of the target, which stays.
 */
export function createStagingParents(plan: SwapPlan, dependents: Dependents): readonly string[] {
  return ownTree(dependents).flatMap((table) => {
    const staging = quoteTable(stagingOf(plan, table));
    const owner = quoteIdentifier(table.owner);
    return [
      `CREATE TABLE ${staging} ${parentDefinition(plan, dependents, table)} PARTITION BY ${table.key}`,
      ...revokeDefaults(stagingOf(plan, table), 'TABLE', dependents.defaultGrantees),
      `ALTER TABLE ${staging} OWNER TO ${owner}`,
      `GRANT ALL ON TABLE ${staging} TO ${owner}`,
    ];
  });
}

/**
 * The CHECK that makes a partition of staging one of the target's without a scan: it implies the
 * bound. Added to the empty table, so that COPY names the first row outside of it.
 */
export function createBoundCheck(plan: SwapPlan, table: Table): readonly string[] {
  if (table.partition === null) return [];
  const name = quoteIdentifier(boundCheckName(plan, table));
  const staging = quoteTable(stagingOf(plan, table));
  return [`ALTER TABLE ${staging} ADD CONSTRAINT ${name} CHECK (${table.partition.condition})`];
}

/** Its name, until the swap drops it. */
export function boundCheckName({ staging }: SwapPlan, { schema, name }: Table): string {
  return temporaryName(staging, ['bound', schema, name]);
}

/** ATTACH PARTITION to the tree of staging; a partition that is the target itself has none. */
export function attachToStaging(
  plan: SwapPlan,
  dependents: Dependents,
  table: Table,
): readonly string[] {
  const { partition } = table;
  if (partition === null || !isAmong(ownTree(dependents), partition.parent)) return [];
  const parent = stagingOf(plan, partition.parent);
  return [attachPartition(stagingOf(plan, table), parent, partition.bound)];
}

/** Takes the tree of staging apart: its leaves become tables of their own, and its root goes. */
export function dismantleStaging(plan: SwapPlan, dependents: Dependents): readonly string[] {
  if (ownTree(dependents).length === 0) return [];
  return [
    ...dependents.tables.flatMap((table) => {
      if (table.partition === null) return [];
      const parent = stagingOf(plan, table.partition.parent);
      return [detachPartition(stagingOf(plan, table), parent)];
    }),
    `DROP TABLE ${quoteTable(plan.staging)}`,
  ];
}

/** The target and the partitioned tables below it, if it is partitioned. */
export function ownTree({ partitioned }: Dependents): readonly PartitionedTable[] {
  return partitioned.filter(({ above }) => !above);
}

function parentDefinition(plan: SwapPlan, dependents: Dependents, table: PartitionedTable): string {
  const { partition } = table;
  if (!isAmong([table], plan.target) && partition !== null) {
    return `PARTITION OF ${quoteTable(stagingOf(plan, partition.parent))} ${partition.bound}`;
  }
  const columns = [
    ...ofTable(dependents.columns, table).map((column) =>
      parentColumnDefinition(column, drawnDefault(dependents, column)),
    ),
    ...plan.added.map((column) => addedColumnDefinition(table, column)),
  ];
  return `(${columns.join(', ')})`;
}

/** What an identity column of the target draws from, as a default. */
function drawnDefault({ sequences }: Dependents, { table, name }: Column): string | undefined {
  const sequence = ofTable(sequences, table).find(
    ({ identity, column }) => identity && column === name,
  );
  return sequence && `nextval(${quoteLiteral(quoteTable(sequence))})`;
}
