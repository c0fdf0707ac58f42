import type { SplitChecksum } from '../avro/blocks.ts';
import { checkObject } from '../avro/check-object.ts';
import type { HeaderOf } from '../avro/header.ts';
import type { Split } from '../avro/splits.ts';
import { ProjectorError } from '../errors.ts';
import { gsUri, type ObjectInfo } from '../google/object-info.ts';
import { sourceText } from '../google/source-name.ts';
import type { Plan } from '../plan/plan.ts';
import type { Exported } from './export.ts';

/** A split whose rows are in Postgres. */
export interface LoadedSplit {
  readonly split: Split;
  readonly checksum: SplitChecksum;
}

/**
 * The check before anything is visible: every byte of every object was read once and is as it was
 * written, and the rows that BigQuery wrote, those decoded and those that Postgres took are as many.
 */
export async function checkLoaded(
  plan: Plan,
  exported: Exported,
  loaded: readonly LoadedSplit[],
  copiedRows: number,
  headerOf: HeaderOf,
): Promise<void> {
  const byObject = Map.groupBy(loaded, ({ split }) => split.object.name);
  for (const object of exported.objects) {
    const parts = byObject.get(object.name) ?? [];
    const [first] = parts;
    if (first === undefined) throw notLoaded(object);
    const sums = parts.map(({ checksum }) => checksum);
    checkObject(object, await headerOf(first.split), sums);
  }
  const decodedRows = loaded.reduce((rows, { checksum }) => rows + checksum.rows, 0);
  if (decodedRows === exported.rows && copiedRows === exported.rows) return;
  throw new ProjectorError({
    code: 'ROW_COUNT_MISMATCH',
    message: `the rows of ${sourceText(plan.source.name)} do not add up: BigQuery wrote ${exported.rows}, the objects held ${decodedRows}, PostgreSQL took ${copiedRows}`,
    hint: 'Nothing was made visible. Run again; if it happens again, something between the two drops rows.',
  });
}

/** Every object has a split, so this is a mistake of the program's own. */
function notLoaded(object: ObjectInfo): ProjectorError {
  return new ProjectorError({
    code: 'OBJECT_NOT_LOADED',
    message: `${gsUri(object)} of the export was not loaded`,
    hint: 'Nothing was made visible. Run again; if it happens again, please report it.',
  });
}
