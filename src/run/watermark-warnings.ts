import { sourceFrom } from '../google/source.ts';
import { sourceText } from '../google/source-name.ts';
import type { Plan } from '../plan/plan.ts';
import type { Loaded } from './full-load.ts';

/** What there is to say of a full load that sets no watermark: the next run is one again, and so on. */
export function watermarkWarnings(
  { mode, source }: Pick<Plan, 'mode' | 'source'>,
  { rows, watermark }: Pick<Loaded, 'rows' | 'watermark'>,
): readonly string[] {
  if (mode !== 'full' || watermark !== undefined) return [];
  const name = sourceText(source.name);
  if (rows === 0) {
    return [
      `${name} is empty, so that there is no watermark: every run is a full load until it has rows. If it should have some, see that they are written, and where row access policies hide them`,
    ];
  }
  const remedy = source.version.isView
    ? 'select a column as max_ingested_at that is stored with the rows'
    : `set it with each row, and in those that are there: UPDATE ${sourceFrom(source)} SET ${source.watermark.name} = ${now(source.watermark.type)} WHERE ${source.watermark.name} IS NULL`;
  return [
    `no row of ${name} has a max_ingested_at, so that there is no watermark: every run is a full load. For increments, ${remedy}`,
  ];
}

function now(type: 'TIMESTAMP' | 'DATETIME'): string {
  return type === 'DATETIME' ? "CURRENT_DATETIME('UTC')" : 'CURRENT_TIMESTAMP()';
}
