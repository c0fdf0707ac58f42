import type { SwapPlan } from '../swap-plan.ts';

/** Which table to finish, and how. Without `dependents` there are only statistics to gather. */
export interface BuildPlan extends Omit<SwapPlan, 'added'> {
  /** Indexes to build at once (each can have parallel workers of its own); 2 if not said. */
  readonly indexesAtOnce?: number;
  readonly signal?: AbortSignal;
  /** Told for whose locks it waits. */
  readonly warn?: (text: string) => void;
}
