import { checkObject } from '../avro/check-object.ts';
import type { HeaderOf } from '../avro/header.ts';
import { ProjectorError } from '../errors.ts';
import { gsUri, type ObjectInfo } from '../google/object-info.ts';
import { sourceText } from '../google/source-name.ts';
import type { LoadedSplit } from '../load/copy-splits.ts';
import type { Plan } from '../plan/plan.ts';
import type { Exported } from './export.ts';

/** What reached Postgres, whichever of the streams brought it. */
export interface Arrived {
  readonly splits: readonly LoadedSplit[];
  /** Rows that the server says it took. */
  readonly rows: number;
}

/**
 * The check before anything is visible: every byte of every object was read once and is as it was
 * written, and the rows that BigQuery wrote, those decoded and those that Postgres took are as many.
 */
export async function checkLoaded(
  plan: Pick<Plan, 'source'>,
  exported: Exported,
  { splits, rows }: Arrived,
  headerOf: HeaderOf,
): Promise<void> {
  const byObject = Map.groupBy(splits, ({ split }) => split.object.name);
  for (const object of exported.objects) {
    const parts = byObject.get(object.name) ?? [];
    const [first] = parts;
    if (first === undefined) throw notLoaded(object);
    const checksums = parts.map(({ checksum }) => checksum);
    checkObject(object, await headerOf(first.split), checksums);
  }
  const decodedRows = rowsOf(splits);
  if (decodedRows === exported.rows && rows === exported.rows) return;
  throw new ProjectorError({
    code: 'ROW_COUNT_MISMATCH',
    message: `the rows of ${sourceText(plan.source.name)} do not add up: BigQuery wrote ${exported.rows}, the objects held ${decodedRows}, PostgreSQL took ${rows}`,
    hint: 'Nothing was made visible. Run again; if it happens again, something between the two drops rows.',
  });
}

/** Rows that were decoded from the splits. */
export function rowsOf(splits: readonly LoadedSplit[]): number {
  return splits.reduce((sum, { checksum }) => sum + checksum.rows, 0);
}

/** Every object has a split, so this is a mistake of the program's own. */
function notLoaded(object: ObjectInfo): ProjectorError {
  return new ProjectorError({
    code: 'OBJECT_NOT_LOADED',
    message: `${gsUri(object)} of the export was not loaded`,
    hint: 'Nothing was made visible. Run again; if it happens again, please report it.',
  });
}
