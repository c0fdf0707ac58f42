import { quoteLiteral, tableText } from '../postgres/quoting.ts';
import { namePattern } from '../state/advisory-lock.ts';
import { applyRun } from '../state/ledger.ts';
import { type UnfinishedRun, unfinishedQuery } from '../state/unfinished-runs.ts';
import { cleanUp, type Leftovers } from './clean-up.ts';
import type { Context } from './context.ts';

/**
 * Puts right what earlier runs on the target left when they died: a watermark that lags behind
 * committed rows is rolled forward, exports and staging tables of increments are removed, and what
 * could not be removed before. Gives the last full load that another run might go on with; it is
 * left as it is.
 */
export async function recover(context: Context): Promise<UnfinishedRun | undefined> {
  const { lockedSession, resolved } = context;
  const target = tableText(resolved.target);
  const runs = await lockedSession.run((session) =>
    session.unsafe<UnfinishedRun[]>(unfinishedQuery(resolved.tables, target)),
  );
  let resumable: UnfinishedRun | undefined;
  for (const run of runs) {
    await endSessions(context, run);
    if (run.status === 'committed') await rollForward(context, run);
    else if (!IN_PROGRESS.has(run.status)) await cleanUp(context, leftoversOf(context, run), {});
    else if (mayResume(run)) {
      if (resumable !== undefined) await discardRun(context, resumable);
      resumable = run;
    } else await discardRun(context, run);
  }
  return resumable;
}

const IN_PROGRESS: ReadonlySet<string> = new Set(['exporting', 'loading']);

/**
 * Ends what is left of a run's sessions. We hold its lock, so it has none; but a session that waits
 * or builds an index notices late that its client is gone, and a run that lost its lock must not
 * write on into what is another's now.
 */
async function endSessions({ lockedSession }: Context, run: UnfinishedRun): Promise<void> {
  await lockedSession.run((session) =>
    session.unsafe(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
        AND application_name LIKE ${quoteLiteral(namePattern(run.run_id))}`),
  );
}

function mayResume(run: UnfinishedRun): boolean {
  return run.mode === 'full' && run.status === 'loading' && run.recent && run.staging !== null;
}

async function rollForward(context: Context, run: UnfinishedRun): Promise<void> {
  const { lockedSession, resolved, report } = context;
  report.info(`run ${run.run_id} died after its commit: its watermark is set now`, {
    watermark: run.watermark,
  });
  const { run_id: runId, table_name: tableName, mode } = run;
  const apply = { runId, tableName, mode, watermark: run.watermark ?? undefined };
  await lockedSession.run((session) => session.unsafe(applyRun(resolved.tables, apply)));
  await cleanUp(context, leftoversOf(context, run), {});
}

/** Removes what a run that died before its commit left, and says so in the ledger. */
export async function discardRun(context: Context, run: UnfinishedRun): Promise<void> {
  context.report.info(`run ${run.run_id} died before its commit: what it left is removed`);
  const error = 'died before its commit; cleaned up by a later run';
  await cleanUp(context, leftoversOf(context, run), { status: 'died', error });
}

/** `gs://BUCKET/PREFIX` of the ledger, taken apart. */
export function leftoversOf(context: Context, run: UnfinishedRun): Leftovers {
  const match = /^gs:\/\/([^/]+)\/(.+)$/.exec(run.object_prefix ?? '');
  const { schema } = context.resolved.target;
  return {
    runId: run.run_id,
    jobId: run.job_id ?? undefined,
    location: run.location,
    bucket: match?.[1] ?? context.given.bucket,
    objectPrefix: match?.[2] ?? `bq_to_postgres/${run.run_id}/`,
    staging: run.staging === null ? undefined : { schema, name: run.staging },
  };
}
