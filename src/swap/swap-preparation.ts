import { quoteTable } from '../postgres/quoting.ts';
import { dismantleStaging } from './build/staging-tree.ts';
import type { Handle } from './catalog.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { extremeValue } from './objects/sequences.ts';
import type { SwapPlan } from './swap-plan.ts';
import type { SwapValues } from './swap-step.ts';
import { stagingOf } from './temporary-names.ts';

/**
 * What can be done and read before the locks, on staging alone: a tree of staging is taken apart,
 * and the rows' extreme values are looked up, which takes a scan where a column has no index.
 */
export async function prepareSwap(
  sql: Handle,
  plan: SwapPlan,
  dependents: Dependents,
  onStep: ((statement: string) => void | Promise<void>) | undefined,
): Promise<SwapValues> {
  const maxValues = await readMaxValues(sql, plan, dependents);
  for (const statement of dismantleStaging(plan, dependents)) {
    await onStep?.(statement);
    await sql.unsafe(statement);
  }
  const [role] = await sql<{ name: string }[]>`SELECT quote_ident(current_setting('role')) AS name`;
  return { maxValues, ownRole: `SET LOCAL ROLE ${role?.name ?? 'NONE'}` };
}

async function readMaxValues(
  sql: Handle,
  plan: SwapPlan,
  { sequences }: Dependents,
): Promise<ReadonlyMap<string, string | null>> {
  const maxValues = new Map<string, string | null>();
  for (const sequence of sequences.filter(({ counts }) => counts)) {
    const query = extremeValue(sequence, stagingOf(plan, sequence.table));
    const [row] = await sql.unsafe<{ value: string | null }[]>(query);
    maxValues.set(quoteTable(sequence), row?.value ?? null);
  }
  return maxValues;
}
