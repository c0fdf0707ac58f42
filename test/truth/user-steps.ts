import fc from 'fast-check';
import type { SourceKind } from './user-source.ts';

/** What somebody does to the source, to the target and to the program's tables. */
const ACTIONS = [
  ...['add rows', 'add late rows', 'add rows of old keys', 'add a row without a time'],
  ...['correct a row', 'remove a row', 'write all rows again', 'rebuild the source'],
  ...['add a column', 'rename a column', 'widen a column'],
  ...['set the watermark to NULL', 'delete the watermark', 'set the watermark back'],
  ...['truncate sync_runs', 'truncate sync_splits', 'truncate both', 'delete a mark'],
  'delete committed runs',
  ...['alter a type', 'drop and create the target', 'rename the target', 'drop the target'],
  ...['copy the target', 'add a column to the target', 'add a key', 'drop the key'],
] as const;

export type Action = (typeof ACTIONS)[number];

/** How the target is named, and by which search_path. */
export const SPELLINGS = [
  { table: 'target' },
  { table: 'public.target' },
  { table: '"target"' },
  { table: 'TARGET' },
  { table: 'public.target', path: 'extra,public' },
  { table: 'target', path: 'public,extra' },
] as const;

/** What happens to a run at some moment, beside what somebody does. */
const ACCIDENTS = [
  ...['kill', 'SIGTERM', 'SIGINT', 'cut', 'lose the answer'],
  ...['second run', 'take over'],
] as const;

export type Accident = (typeof ACCIDENTS)[number];

/** A moment of a run: the n-th of its statements, or of its requests. */
export interface Moment {
  readonly of: 'statement' | 'request';
  readonly nth: number;
}

/** What is done to a run while it is under way. */
export interface Disturbance {
  readonly at: Moment;
  readonly what: Accident | Action | 'fail over';
  /** Chooses among the rows, times or columns that there are. */
  readonly which: number;
}

export type Step =
  | {
      readonly do: 'run';
      readonly spelling: number;
      readonly other: boolean;
      readonly disturbance: Disturbance | undefined;
    }
  | { readonly do: Action; readonly which: number }
  | { readonly do: 'run in a copy' | 'keep a standby' | 'fail over' };

/** What somebody does in the course of time. */
export interface UserSequence {
  readonly kind: SourceKind;
  readonly keyed: boolean;
  readonly rows: number;
  readonly steps: readonly Step[];
}

const which = fc.nat({ max: 40 });

const moment = fc.record({
  of: fc.constantFrom('statement', 'statement', 'request'),
  nth: fc.integer({ min: 1, max: 36 }),
} as const) as fc.Arbitrary<Moment>;

/** Rare are the accidents that only a server of its own can have. */
function run(onLosingServer: boolean): fc.Arbitrary<Step> {
  const what = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...ACCIDENTS) },
    { weight: 5, arbitrary: fc.constantFrom(...ACTIONS) },
    { weight: onLosingServer ? 3 : 0, arbitrary: fc.constant('fail over' as const) },
  );
  const disturbance = fc.record({ at: moment, what, which });
  return fc.record({
    do: fc.constant('run'),
    spelling: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 5 })),
    other: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, fc.constant(true)),
    disturbance: fc.option(disturbance, { nil: undefined, freq: 2 }),
  } as const) as fc.Arbitrary<Step>;
}

/** A sequence of what a user does; on a server that can lose its last commits, it may do so. */
export function userSequence(onLosingServer: boolean): fc.Arbitrary<UserSequence> {
  const action = fc.record({ do: fc.constantFrom(...ACTIONS), which });
  const rare = onLosingServer ? (['keep a standby', 'keep a standby', 'fail over'] as const) : [];
  const step = fc.oneof(
    { weight: 10, arbitrary: run(onLosingServer) },
    { weight: 8, arbitrary: action as fc.Arbitrary<Step> },
    { weight: 1, arbitrary: fc.constant({ do: 'run in a copy' } as const) },
    ...rare.map((name) => ({ weight: 2, arbitrary: fc.constant({ do: name }) })),
  );
  return fc.record({
    kind: fc.constantFrom('table', 'table', 'view', 'policy'),
    keyed: fc.boolean(),
    rows: fc.integer({ min: 0, max: 60 }),
    steps: fc.array(step, { minLength: 3, maxLength: 14, size: 'max' }),
  } as const) as fc.Arbitrary<UserSequence>;
}
