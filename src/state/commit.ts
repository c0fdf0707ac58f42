import { ProjectorError } from '../errors.ts';
import type { Instant } from '../instant.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import { DATABASE_ID, type RunChange, readRun, updateRun } from './ledger.ts';
import type { StateTables } from './state-tables.ts';

/** What is known of a run's rows once they are visible. */
interface CommittedRows {
  readonly rows: number;
  readonly watermark: Instant | undefined;
  readonly rowsLeftOut: number | undefined;
  readonly rowsBefore?: number | undefined;
  /** The table that the rows are in: pg_class.oid. */
  readonly targetOid: number;
}

/** The row of `sync_state` that a run started from. */
export interface FoundWatermark {
  readonly tableName: string;
  /** WatermarkRow.version. */
  readonly version: string | null;
  readonly low: Instant | undefined;
}

/**
 * Marks the run committed, inside the transaction that makes its rows visible, and claims the row of
 * `sync_state`, where it still is as the run found it: by the version that it has from now on, any later
 * run can tell whether somebody has written it since. Throws RUN_TAKEN_OVER where another run has
 * ended this one, and LEDGER_CHANGED where its row is gone.
 */
export async function commitRun(
  sql: Session,
  tables: StateTables,
  runId: string,
  { rows, watermark, rowsLeftOut, rowsBefore, targetOid }: CommittedRows,
  found: FoundWatermark,
): Promise<void> {
  const change = { rows, watermark, rowsLeftOut, rowsBefore, targetOid };
  const version = "coalesce((SELECT version FROM claimed), '')";
  const update = updateRun(tables, runId, { ...change, status: 'committed' }, version);
  const marked = await sql.unsafe(`WITH claimed AS (${claimStatement(tables, found)})
    ${update} AND status = 'loading' RETURNING run_id`);
  if (marked.length === 0) throw await notOurs(sql, tables, runId);
}

/**
 * Writes the row as it is; one that somebody has written since it was found, also by the same value, is
 * left. So is one that somebody is writing: readers of the target would wait for his transaction.
 */
function claimStatement(tables: StateTables, { tableName, version, low }: FoundWatermark): string {
  const state = quoteTable(tables.state);
  const name = quoteLiteral(tableName);
  if (version === null) {
    return `INSERT INTO ${state} (table_name) VALUES (${name}) ON CONFLICT DO NOTHING ${VERSION}`;
  }
  const isAsFound =
    low === undefined
      ? `last_synced_at IS NULL AND xmin::text = ${quoteLiteral(version)}`
      : `last_synced_at = ${quoteLiteral(low)}::timestamp`;
  return `UPDATE ${state} SET last_synced_at = last_synced_at WHERE table_name = (
      SELECT table_name FROM ${state} WHERE table_name = ${name} AND ${isAsFound}
      FOR NO KEY UPDATE SKIP LOCKED)
    ${VERSION}`;
}

/** Of a row of `sync_state` that was just written: WatermarkRow.version. */
const VERSION = 'RETURNING xmin::text AS version';

/**
 * Changes the row of the run that is under way. Throws LEDGER_CHANGED where it is gone: what the run
 * leaves would be nobody's, and its commit would be refused in the end.
 */
export async function changeOwnRun(
  sql: Session,
  tables: StateTables,
  runId: string,
  change: RunChange,
): Promise<void> {
  const { count } = await sql.unsafe(updateRun(tables, runId, change));
  if (count === 0) throw await notOurs(sql, tables, runId);
}

/** What a run that was committed hands to its watermark. */
export interface AppliedRun {
  readonly runId: string;
  /** The row of `sync_state`: its table_name. */
  readonly tableName: string;
  /** undefined: an increment of rows without a timestamp, which does not move the watermark. */
  readonly watermark: Instant | undefined;
  readonly change?: RunChange;
}

/**
 * Marks a committed run applied and sets the watermark, both in one statement, and the watermark only
 * where its row is as the commit left it: a reset meanwhile stays, and so does one during a full load,
 * which finds NULL and leaves NULL. Answers whether it was set.
 * What was done before, after an answer that was lost, is done. Throws COMMIT_LOST where the server
 * no longer knows of the commit.
 */
export async function applyRun(
  sql: Session,
  tables: StateTables,
  run: AppliedRun,
): Promise<'set' | 'changed meanwhile'> {
  const [row] = await sql.unsafe<{ applied: boolean; set: boolean }[]>(applyStatement(tables, run));
  if (row?.applied !== true && (await readRun(sql, tables, run.runId))?.status !== 'applied') {
    throw commitLost(run.runId);
  }
  return row?.applied === true && !row.set ? 'changed meanwhile' : 'set';
}

/**
 * A run whose claim says nothing, of an older release or of the database that this one was restored
 * from, finds the watermark that it started from, or no row for none.
 */
function applyStatement(tables: StateTables, run: AppliedRun): string {
  const { runId, tableName, watermark, change } = run;
  const isCommitted = "AND status = 'committed'";
  const version = '(SELECT version FROM set)';
  const applied = updateRun(tables, runId, { ...change, status: 'applied' }, version);
  const state = quoteTable(tables.state);
  const name = quoteLiteral(tableName);
  return `WITH committed AS (
      SELECT CASE WHEN database_id = ${DATABASE_ID} THEN state_version END AS state_version, low
      FROM ${quoteTable(tables.runs)}
      WHERE run_id = ${quoteLiteral(runId)} ${isCommitted}),
    set AS (
      INSERT INTO ${state} AS state (table_name, last_synced_at)
      SELECT ${name}, coalesce(${instant(watermark)}, low) FROM committed
      WHERE state_version IS NULL AND low IS NULL OR state_version IS DISTINCT FROM ''
        AND EXISTS (SELECT FROM ${state} WHERE table_name = ${name})
      ON CONFLICT (table_name) DO UPDATE SET last_synced_at = EXCLUDED.last_synced_at
        WHERE (SELECT CASE WHEN state_version IS NULL THEN state.last_synced_at IS NOT DISTINCT FROM low
            ELSE state.xmin::text = state_version END FROM committed)
      ${VERSION}),
    applied AS (${applied} ${isCommitted} RETURNING run_id)
    SELECT EXISTS (SELECT FROM applied) AS applied, EXISTS (SELECT FROM set) AS set`;
}

function instant(value: Instant | undefined): string {
  return value === undefined ? 'NULL::timestamp' : `${quoteLiteral(value)}::timestamp`;
}

/** The statuses that one run gives another. */
const ENDED_BY_OTHERS: ReadonlySet<string> = new Set(['died', 'resumed']);

/**
 * Asked after the lock was lost and acquired again. Throws RUN_TAKEN_OVER if another run has ended
 * this one in between, and LEDGER_CHANGED if its row is gone.
 */
export async function requireOurs(sql: Session, tables: StateTables, runId: string): Promise<void> {
  const row = await readRun(sql, tables, runId);
  if (row === undefined || ENDED_BY_OTHERS.has(row.status)) throw await notOurs(sql, tables, runId);
}

/** Why a run may not go on: another has ended it, or somebody has changed the ledger. */
async function notOurs(sql: Session, tables: StateTables, runId: string): Promise<ProjectorError> {
  const row = await readRun(sql, tables, runId);
  if (row !== undefined && ENDED_BY_OTHERS.has(row.status)) return takenOver();
  const found = row === undefined ? 'is gone' : `says ${row.status}`;
  return new ProjectorError({
    code: 'LEDGER_CHANGED',
    message: `the row of this run (${runId}) in ${quoteTable(tables.runs)} ${found}: somebody has changed it, or the server has lost it`,
    hint: 'Nothing was made visible. Run again, and leave the rows of runs that are under way alone: the ledger prunes itself.',
  });
}

function takenOver(): ProjectorError {
  return new ProjectorError({
    code: 'RUN_TAKEN_OVER',
    message: 'while the connection was lost, another run took over what this one was doing',
    hint: 'No action is needed: the other run continues. Run the same command again after it.',
    exitCode: 3,
  });
}

function commitLost(runId: string): ProjectorError {
  return new ProjectorError({
    code: 'COMMIT_LOST',
    message: `the server no longer knows of the commit of run ${runId}: it has lost its last transactions, in a crash or by a failover`,
    hint: 'Run again: the rows come once more from the same watermark. Have the server keep what it has confirmed: synchronous_commit = on, and synchronous replicas.',
  });
}
