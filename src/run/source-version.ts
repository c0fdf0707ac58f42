import type { SourceVersion } from '../google/table-facts.ts';
import type { Counted, Plan } from '../plan/plan.ts';
import { countUntilQuery } from '../plan/watermark-window.ts';
import type { UnfinishedRun } from '../state/unfinished-runs.ts';
import type { Context } from './context.ts';
import type { SourceState } from './source-state.ts';

/** The source as a run found it, before it exported. */
interface FoundSource {
  readonly version: SourceVersion;
  readonly counted: Counted;
}

/** The source as this run found it, as text for the ledger. */
export function sourceVersionText({ source, counted }: Pick<Plan, 'source' | 'counted'>): string {
  return JSON.stringify({ version: source.version, counted } satisfies FoundSource);
}

function foundBy({ sourceVersion }: UnfinishedRun): Partial<FoundSource> {
  return JSON.parse(sourceVersion ?? '{}');
}

/**
 * Whether the source is as it was when the export of `unfinished` began. Of a view nobody can say that,
 * and rows that are in the streaming buffer change no version.
 */
export function isUnchanged({ source }: SourceState, unfinished: UnfinishedRun): boolean {
  const { isView, streaming } = source.version;
  const { version } = foundBy(unfinished);
  return !isView && !streaming && JSON.stringify(version) === JSON.stringify(source.version);
}

/**
 * Whether rows have only been added since then, and the export is recent: the increment that follows
 * brings them. Of the rows that were there as many must be there still, and none may have come late
 * among them; a correction in place does not show, which is why the export must be recent.
 */
export async function isMovingOn(
  { bigquery }: Context,
  { source }: SourceState,
  unfinished: UnfinishedRun,
): Promise<boolean> {
  const { version, counted } = foundBy(unfinished);
  const isSameTable =
    !source.version.isView && version?.creationTime === source.version.creationTime;
  if (!unfinished.recent || !isSameTable || counted === undefined) return false;
  const { cells } = await bigquery.firstRow(countUntilQuery(source, counted.newest), source.name);
  return Number(cells[0]) === counted.rows;
}
