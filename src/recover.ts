import { cleanUp, type Leftovers } from './clean-up.ts';
import type { Context } from './context.ts';
import type { TableName } from './identifiers.ts';
import { type UnfinishedRun, unfinishedQuery, updateRun } from './state/ledger.ts';
import { setWatermark } from './state/watermark.ts';

/**
 * Puts right what earlier runs on the target left when they died: a watermark that lags behind
 * committed rows is rolled forward, exports and staging tables of increments are removed. Gives
 * the last full load that another run might go on with; it is left as it is.
 */
export async function recover(context: Context): Promise<UnfinishedRun | undefined> {
  const { control, ground } = context;
  const target = targetText(ground.target);
  const runs = await control.run((session) =>
    session.unsafe<UnfinishedRun[]>(unfinishedQuery(ground.tables, target)),
  );
  let resumable: UnfinishedRun | undefined;
  for (const run of runs) {
    if (run.status === 'committed') await rollForward(context, run);
    else if (mayResume(run)) {
      if (resumable !== undefined) await discardRun(context, resumable);
      resumable = run;
    } else await discardRun(context, run);
  }
  return resumable;
}

/** The ledger's name of a target: the same for every spelling of `--pg-table`. */
export function targetText(target: TableName): string {
  return `${target.schema}.${target.name}`;
}

function mayResume(run: UnfinishedRun): boolean {
  return run.mode === 'full' && run.status === 'loading' && run.young && run.staging !== null;
}

async function rollForward(context: Context, run: UnfinishedRun): Promise<void> {
  const { control, ground, report } = context;
  report.info(`run ${run.run_id} died after its commit: its watermark is set now`, {
    watermark: run.watermark,
  });
  const watermark = run.watermark ?? undefined;
  const keeps = run.mode === 'incremental' && watermark === undefined;
  await control.run((session) =>
    session.unsafe(
      [
        'BEGIN',
        ...(keeps ? [] : [setWatermark(ground.tables, run.table_name, watermark)]),
        updateRun(ground.tables, run.run_id, { status: 'applied' }),
        'COMMIT',
      ].join('; '),
    ),
  );
  await cleanUp(context, { ...leftoversOf(context, run), jobId: undefined, staging: undefined });
}

/** Removes what a run that died before its commit left, and says so in the ledger. */
export async function discardRun(context: Context, run: UnfinishedRun): Promise<void> {
  context.report.info(`run ${run.run_id} died before its commit: what it left is removed`);
  if (!(await cleanUp(context, leftoversOf(context, run)))) return;
  const ended = {
    status: 'died',
    error: 'died before its commit; cleaned up by a later run',
  } as const;
  await context.control.run((session) =>
    session.unsafe(updateRun(context.ground.tables, run.run_id, ended)),
  );
}

/** `gs://BUCKET/PREFIX` of the ledger, taken apart. */
export function leftoversOf(context: Context, run: UnfinishedRun): Leftovers {
  const match = /^gs:\/\/([^/]+)\/(.+)$/.exec(run.object_prefix ?? '');
  const { schema } = context.ground.target;
  return {
    jobId: run.job_id ?? undefined,
    location: run.location,
    bucket: match?.[1] ?? context.given.bucket,
    objectPrefix: match?.[2] ?? `bq_to_postgres/${run.run_id}/`,
    staging: run.staging === null ? undefined : { schema, name: run.staging },
  };
}
