import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProjectorError } from '../errors.ts';
import type { Session } from '../postgres/pool.ts';
import { IDENTIFIER_BYTES, quoteTable, type TableName } from '../postgres/quoting.ts';
import type { StateTables } from './state-tables.ts';

/** How long the backend of a run that died here may go on holding the lock. */
const DEAD_HOLDER_MS = 10_000;

/** The key of a target's advisory lock: the same for every spelling of `--pg-table`. */
export function lockKey(target: TableName): bigint {
  const text = `bq_to_postgres\0${target.schema}\0${target.name}`;
  return createHash('sha256').update(text).digest().readBigInt64BE();
}

interface LockHolder {
  readonly pid: number;
  readonly application: string | null;
  /** null: a Unix socket; this and `since` also where another role's session is not shown. */
  readonly address: string | null;
  readonly since: string | null;
}

interface LockHolderRun {
  readonly run_id: string;
  readonly host: string;
  readonly pid: number;
  readonly started_at: string | null;
}

/** What pg_stat_activity shows of a run: its id, and where it runs, as far as there is room. */
export function applicationName(runId: string): string {
  return `bq_to_postgres ${runId} ${process.pid}@${hostname()}`.slice(0, IDENTIFIER_BYTES);
}

/** The id of the next run of an execution: that of its first run, and a number. */
export function followUpId(runId: string): string {
  return `${firstId(runId)}-${Number(runId.split('-')[3] ?? '1') + 1}`;
}

/** Date, time and a random part, without the number of a follow-up. */
function firstId(runId: string): string {
  return runId.split('-').slice(0, 3).join('-');
}

/** LIKE pattern for the applicationName of a run, wherever it ran: it has the execution's first id. */
export function namePattern(runId: string): string {
  return `bq\\_to\\_postgres ${firstId(runId)} %`;
}

/** Takes the lock of a target if nobody has it, for the life of the session or until `unlockTarget`. */
export async function tryLockTarget(sql: Session, target: TableName): Promise<boolean> {
  return (await tryLock(sql, target)) !== undefined;
}

/** Gives back what `tryLockTarget` took. */
export async function unlockTarget(sql: Session, target: TableName): Promise<void> {
  await sql.unsafe(`SELECT pg_advisory_unlock(${lockKey(target)})`);
}

/**
 * Takes the target's lock for as long as the session lives, so that it is lost with the connection
 * and never left behind; gives the pid of the backend. Throws TARGET_BUSY (exit code 3) naming the
 * holder; at once, unless the holder is gone (a former backend of this run, or a process of this
 * machine that died): its backend is given ten seconds to notice. A former backend is ended.
 */
export async function lockTarget(sql: Session, wish: LockRequest): Promise<number> {
  const deadline = performance.now() + DEAD_HOLDER_MS;
  for (;;) {
    const pid = await tryLock(sql, wish.target);
    if (pid !== undefined) return pid;
    const holder = await readHolder(sql, wish.target);
    if (holder === undefined) continue;
    const former = wish.formerBackends.has(holder.pid);
    // It holds the lock, so it is no other process that came by the same pid.
    if (former) await sql.unsafe(`SELECT pg_terminate_backend(${holder.pid})`);
    const run = (await readHolderRun(sql, holder, wish.tables)) ?? runOfName(holder);
    const leaving = former || isDead(run);
    if (!leaving || performance.now() > deadline) throw targetBusy(wish.target, holder, run);
    await sleep(200, undefined, { signal: wish.signal });
  }
}

/** Whose lock is wanted, and which holders are on their way out. */
export interface LockRequest {
  readonly target: TableName;
  /** undefined: the program's tables are not there yet. */
  readonly tables: StateTables | undefined;
  /** Backends of this run that lost their connection, and may hold the lock until they notice. */
  readonly formerBackends: ReadonlySet<number>;
  readonly signal: AbortSignal;
}

/** The pid of the backend that has the lock now; undefined if another one has it. */
async function tryLock(sql: Session, target: TableName): Promise<number | undefined> {
  const [row] = await sql.unsafe<{ locked: boolean; pid: number }[]>(
    `SELECT pg_try_advisory_lock(${lockKey(target)}) AS locked, pg_backend_pid() AS pid`,
  );
  return row?.locked ? row.pid : undefined;
}

/** A key of 64 bits shows in pg_locks as two halves, with objsubid 1. */
async function readHolder(sql: Session, target: TableName): Promise<LockHolder | undefined> {
  const key = BigInt.asUintN(64, lockKey(target));
  const [row] = await sql.unsafe<LockHolder[]>(`
    SELECT l.pid, a.application_name AS application, a.client_addr::text AS address,
           a.backend_start::text AS since
    FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid = ${key >> 32n} AND l.objid = ${key & 0xffffffffn}`);
  return row;
}

const NAME = /^bq_to_postgres (\S+)(?: (\d+)@(\S+))?$/;

/** By its applicationName, which the user's URI may have replaced. */
async function readHolderRun(
  sql: Session,
  holder: LockHolder,
  tables: StateTables | undefined,
): Promise<LockHolderRun | undefined> {
  if (tables === undefined) return undefined;
  const runId = NAME.exec(holder.application ?? '')?.[1];
  const [row] = await sql.unsafe<LockHolderRun[]>(
    `SELECT run_id, host, pid, started_at::text FROM ${quoteTable(tables.runs)}
     WHERE run_id = $1 ORDER BY started_at DESC LIMIT 1`,
    [runId ?? ''],
  );
  return row;
}

/** A run that is not yet in the ledger, by its name alone. */
function runOfName(holder: LockHolder): LockHolderRun | undefined {
  const [, run_id, pid, host] = NAME.exec(holder.application ?? '') ?? [];
  if (run_id === undefined || host === undefined) return undefined;
  return { run_id, host, pid: Number(pid), started_at: holder.since };
}

function isDead(run: LockHolderRun | undefined): boolean {
  if (run === undefined || run.host !== hostname()) return false;
  // In containers, every run may be process 1: what has our own pid is an earlier one.
  if (run.pid === process.pid) return true;
  try {
    process.kill(run.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function targetBusy(
  target: TableName,
  holder: LockHolder,
  run: LockHolderRun | undefined,
): ProjectorError {
  const session = `a session named "${holder.application ?? ''}"`;
  const who =
    run === undefined
      ? `${session}${holder.address === null ? '' : ` from ${holder.address}`}`
      : `run ${run.run_id} on host ${run.host}, pid ${run.pid}`;
  const since = run?.started_at ?? holder.since;
  return new ProjectorError({
    code: 'TARGET_BUSY',
    message: `another run holds ${quoteTable(target)}: ${who}${since === null ? '' : `, since ${since}`}, by backend ${holder.pid}`,
    hint: `Wait for it to end. If it hangs, end its session: SELECT pg_terminate_backend(${holder.pid});`,
    exitCode: 3,
  });
}
