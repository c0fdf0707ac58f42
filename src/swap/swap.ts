import { ProjectorError } from '../errors.ts';
import { quoteIdentifier, quoteTable, type TableName } from '../identifiers.ts';
import { cancellable } from './cancel.ts';
import { type Connection, WRITING } from './catalog.ts';
import type { AddedColumn } from './columns.ts';
import { type Dependents, readDependentsInside } from './dependents.ts';
import { differences } from './differences.ts';
import { type Lock, lockStatement } from './locks.ts';
import { isLockError, type Patience, patiently, withSavepoint } from './patience.ts';
import { outermostValue } from './sequences.ts';
import { type Step, swapSteps } from './swap-steps.ts';
import { explainViolation, isServerError } from './violations.ts';

/** What to swap. `dependents` is what the plan read; undefined: there was no target. */
export interface SwapPlan {
  readonly target: TableName;
  readonly staging: TableName;
  readonly dependents: Dependents | undefined;
  /** The columns that staging has besides the target's. */
  readonly added: readonly AddedColumn[];
}

export interface SwapOptions {
  /** How long to try for the locks: 30 minutes if not said. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
  /** Told after each try for the locks that failed, with the sessions that hold one of them. */
  readonly onWait?: (wait: SwapWait) => void;
  /** Told before each statement that changes something; for logs and for tests of a crash. */
  readonly onStep?: (statement: string) => void | Promise<void>;
}

export interface SwapWait {
  readonly tries: number;
  readonly waitedMs: number;
}

export interface Swapped {
  /** Milliseconds from the first lock to the end of the swap; the caller's COMMIT comes on top. */
  readonly lockHeldMs: number;
  /** What took long under the lock, with its milliseconds; empty if nothing did. */
  readonly reasons: readonly string[];
}

const PATIENCE_MS = 30 * 60_000;

/**
 * Puts staging in the target's place, inside the READ COMMITTED transaction that `sql` is in, which
 * the caller commits: until then nobody sees a change, and ROLLBACK leaves everything as it was.
 * The locks are taken before anything is changed, all within less than deadlock_timeout, and tried
 * for again after a pause. What hangs on the target is read again under them, and after the swap
 * once more: a difference is an error (DEPENDENTS_CHANGED, SWAP_INCOMPLETE). A foreign key to
 * the target that the new rows do not satisfy is CONSTRAINT_BROKEN.
 */
export async function swap(
  sql: Connection,
  plan: SwapPlan,
  options: SwapOptions = {},
): Promise<Swapped> {
  const { dependents } = plan;
  if (dependents === undefined) return await promoteFirst(sql, plan);
  const floors = await readFloors(sql, plan.staging, dependents);
  const patience: Patience = {
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    signal: options.signal,
    onWait: options.onWait,
  };
  try {
    return await patiently(sql, patience, (budgetMs) =>
      withSavepoint(sql, (inner) =>
        attempt(inner, plan, dependents, {
          budgetMs,
          floors,
          onStep: options.onStep,
          signal: options.signal,
        }),
      ),
    );
  } catch (error) {
    if (isLockError(error)) throw await lockNotHad(sql, plan.target, error);
    throw error;
  }
}

interface Attempt {
  readonly budgetMs: number;
  readonly floors: ReadonlyMap<string, string | null>;
  readonly onStep: SwapOptions['onStep'] | undefined;
  readonly signal: AbortSignal | undefined;
}

async function attempt(
  sql: Connection,
  plan: SwapPlan,
  dependents: Dependents,
  { budgetMs, floors, onStep, signal }: Attempt,
): Promise<Swapped> {
  // Without locks at first: a change is found out early, and reading again under them is quicker.
  await sql.unsafe(lockTimeout(budgetMs));
  await requireUnchanged(sql, plan, dependents);
  const since = performance.now();
  await takeLocks(sql, plan, dependents, budgetMs);
  await requireUnchanged(sql, plan, dependents);
  const [role] = await sql<{ name: string }[]>`SELECT quote_ident(current_setting('role')) AS name`;
  const ownRole = `SET LOCAL ROLE ${role?.name ?? 'NONE'}`;
  const steps = swapSteps(dependents, { staging: plan.staging, floors, ownRole });
  const reasons = await runSteps(sql, plan, steps, { onStep, signal });
  await requireComplete(sql, plan, dependents);
  return { lockHeldMs: performance.now() - since, reasons };
}

/** Staging becomes a target that did not exist; that it still does not is up to the server. */
async function promoteFirst(sql: Connection, { staging, target }: SwapPlan): Promise<Swapped> {
  const since = performance.now();
  try {
    await sql.unsafe(
      `ALTER TABLE ${quoteTable(staging)} RENAME TO ${quoteIdentifier(target.name)}`,
    );
  } catch (error) {
    if (isServerError(error) && error.code === '42P07') throw changed(target, ['the table'], error);
    throw error;
  }
  return { lockHeldMs: performance.now() - since, reasons: [] };
}

/** Read before the locks: without an index on the column it takes a scan. */
async function readFloors(
  sql: Connection,
  staging: TableName,
  dependents: Dependents,
): Promise<ReadonlyMap<string, string | null>> {
  const floors = new Map<string, string | null>();
  for (const sequence of dependents.sequences.filter(({ counts }) => counts)) {
    const [row] = await sql.unsafe<{ value: string | null }[]>(outermostValue(sequence, staging));
    floors.set(sequence.column, row?.value ?? null);
  }
  return floors;
}

/** Takes all locks within `budgetMs`, the target's last; then gives later ones as much again. */
async function takeLocks(
  sql: Connection,
  { target, staging }: SwapPlan,
  dependents: Dependents,
  budgetMs: number,
): Promise<void> {
  const table = { owner: dependents.target.owner, kind: 'r', way: 'own' } as const;
  const locks: readonly Lock[] = [
    { ...table, ...staging },
    ...dependents.locks,
    { ...table, schema: target.schema, name: target.name },
  ];
  const since = performance.now();
  try {
    for (const lock of locks) {
      const leftMs = budgetMs - (performance.now() - since);
      await sql.unsafe(`${lockTimeout(leftMs)}; ${lockStatement(lock)}`);
    }
  } catch (error) {
    // A relation that is gone, or now belongs to another.
    if (isServerError(error) && !isLockError(error)) {
      throw changed(target, [error.message], error);
    }
    throw error;
  }
  await sql.unsafe(lockTimeout(budgetMs));
}

/** 0 would mean to wait without end. */
function lockTimeout(ms: number): string {
  return `SET LOCAL lock_timeout = ${Math.max(1, Math.ceil(ms))}`;
}

async function requireUnchanged(
  sql: Connection,
  { target }: SwapPlan,
  dependents: Dependents,
): Promise<void> {
  const now = await readDependentsInside(sql, target);
  if (now === undefined) throw changed(target, ['the table']);
  if (now.fingerprint !== dependents.fingerprint) {
    throw changed(target, differences(dependents, now));
  }
}

/**
 * Runs the steps, and gives back the reasons with their times. Those without a reason are sent
 * without waiting for the one before: the lock is not held for the network's sake.
 */
async function runSteps(
  sql: Connection,
  { target }: SwapPlan,
  steps: readonly Step[],
  { onStep, signal }: Pick<Attempt, 'onStep' | 'signal'>,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  let sent = WRITING.map((statement) => send(sql, statement));
  try {
    for (const { statement, reason } of steps) {
      await onStep?.(statement);
      if (reason === undefined) {
        sent.push(send(sql, statement));
        continue;
      }
      await allOrFirstFailure(sent);
      sent = [];
      const since = performance.now();
      await cancellable(sql.unsafe(statement), signal);
      reasons.push(`${reason} in ${Math.round(performance.now() - since)} ms`);
    }
    await allOrFirstFailure(sent);
  } catch (error) {
    throw explainViolation(error, target);
  }
  return reasons;
}

/** Puts a statement on the wire. Its failure is told by allOrFirstFailure, and not twice. */
function send(sql: Connection, statement: string): Promise<unknown> {
  const answer = sql.unsafe(statement).execute();
  answer.catch(() => undefined);
  return answer;
}

/** The first failure is the cause: what was sent after it fails since the transaction has. */
async function allOrFirstFailure(sent: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(sent)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/** The proof that nothing was lost: the new table reads as the old one did, but for added columns. */
async function requireComplete(
  sql: Connection,
  { target, added }: SwapPlan,
  dependents: Dependents,
): Promise<void> {
  const now = await readDependentsInside(sql, target);
  const names = new Set(added.map(({ name }) => name));
  const told = new Set(dependents.descriptions.map(({ object }) => object));
  const lost =
    now === undefined
      ? ['the table']
      : differences(dependents, {
          ...now,
          columns: now.columns.filter(({ name }) => !names.has(name)),
          // The comment on an added column has nothing to be compared with.
          descriptions: now.descriptions.filter(
            ({ object }) => names.size === 0 || told.has(object),
          ),
        });
  if (lost.length === 0) return;
  throw new ProjectorError({
    code: 'SWAP_INCOMPLETE',
    message: `the new ${quoteTable(target)} would differ from the old one in ${lost.join(', ')}`,
    next: 'Nothing was changed. Please report this, with the definition of what is named.',
  });
}

function changed(target: TableName, what: readonly string[], cause?: unknown): ProjectorError {
  return new ProjectorError({
    code: 'DEPENDENTS_CHANGED',
    message: `while the rows were loaded, ${quoteTable(target)} or what hangs on it changed: ${what.join(', ')}`,
    next: 'Nothing was changed by this run. Run again: the next full load starts from what is there now.',
    cause,
  });
}

/** Names the sessions that held the target when the patience was at its end. */
async function lockNotHad(
  sql: Connection,
  target: TableName,
  cause: unknown,
): Promise<ProjectorError> {
  const holders = await sql<{ pid: number; application: string; since: string }[]>`
    SELECT DISTINCT a.pid, coalesce(a.application_name, '') AS application,
      coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS'), '?') AS since
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.relation = to_regclass(${quoteTable(target)}) AND l.granted AND l.pid <> pg_backend_pid()`;
  const sessions = holders.map(
    ({ pid, application, since }) => `${pid} (${application || 'unnamed'}, since ${since})`,
  );
  const who = sessions.length === 0 ? 'other sessions' : `session ${sessions.join(', ')}`;
  return new ProjectorError({
    code: 'LOCK_NOT_HAD',
    message: `${quoteTable(target)} or what hangs on it is held by ${who}`,
    next: 'Run again when they have ended, or end them with SELECT pg_terminate_backend(pid).',
    cause,
  });
}
