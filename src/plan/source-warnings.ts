import type { Source } from '../google/source.ts';
import { sourceText, WATERMARK_COLUMN } from '../google/source-name.ts';
import { priceText } from '../report/cost.ts';
import { bytesText } from '../report/figures.ts';

/** Below this a whole scan costs less than a cent, and is not worth a word. */
const LARGE_BYTES = 1_000_000_000;

/**
 * What there is to say of the cost of a source: without partitions or clusters by max_ingested_at every
 * increment is billed for the whole table.
 */
export function costWarnings({ name, bytes, isPruned }: Source): readonly string[] {
  if (isPruned || bytes === undefined || bytes < LARGE_BYTES) return [];
  const place = [name.project, name.dataset].filter((part) => part !== undefined).join(':');
  return [
    `table ${sourceText(name)} is neither partitioned nor clustered by ${WATERMARK_COLUMN}: each run with news reads all of its ${bytesText(bytes)} (${priceText(bytes)}). To cluster it: bq update --clustering_fields=${WATERMARK_COLUMN} ${place}.${name.table}`,
  ];
}
