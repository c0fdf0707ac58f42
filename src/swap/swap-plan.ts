import type { TableName } from '../postgres/quoting.ts';
import type { Dependents } from './dependencies/dependents.ts';
import type { AddedColumn } from './objects/columns.ts';

/** What to swap: decided before staging is created, and the same until the swap is committed. */
export interface SwapPlan {
  readonly target: TableName;
  readonly staging: TableName;
  /** What the plan read; undefined: there was no target. */
  readonly dependents: Dependents | undefined;
  /** The columns that staging has besides the target's. */
  readonly added: readonly AddedColumn[];
}
