import type { SplitChecksum } from '../avro/blocks.ts';
import type { Instant } from '../instant.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { StateTables } from './state-tables.ts';
import { asInstant } from './watermark.ts';

/** What the mark of a split in `sync_splits` says: its rows are in staging. */
export interface SplitStats {
  readonly checksum: SplitChecksum;
  /** The greatest `max_ingested_at` of the rows that its stream had copied by then. */
  readonly watermark: Instant | undefined;
  /** Rows of the source that newer rows of the same keys have replaced. */
  readonly rowsLeftOut: number;
}

/** The splits of an export that are committed, by id; all of them, or those named. */
export async function readLoadedSplits(
  sql: Session,
  tables: StateTables,
  objectPrefix: string,
  ids?: readonly string[],
): Promise<ReadonlyMap<string, SplitStats>> {
  const named = ids === undefined ? '' : ` AND split IN (${ids.map(quoteLiteral).join(', ')})`;
  const rows = await sql.unsafe<{ split: string; checksum: string; watermark: string | null }[]>(
    `SELECT split, checksum::text AS checksum, ${asInstant('watermark')} AS watermark
     FROM ${quoteTable(tables.splits)} WHERE object_prefix = ${quoteLiteral(objectPrefix)}${named}`,
  );
  return new Map(rows.map((row) => [row.split, statsOf(row.checksum, row.watermark)]));
}

function statsOf(json: string, watermark: string | null): SplitStats {
  const { rowsLeftOut = 0, ...checksum } = JSON.parse(json) as SplitChecksum & {
    readonly rowsLeftOut?: number;
  };
  return { checksum, rowsLeftOut, watermark: watermark ?? undefined };
}

/** The marks that go into the transaction of the splits' COPY: a second one for a split fails. */
export function recordSplits(
  tables: StateTables,
  objectPrefix: string,
  splits: ReadonlyMap<string, SplitStats>,
): string {
  const rows = Array.from(splits, ([id, { checksum, rowsLeftOut, watermark }]) => {
    const instant = watermark === undefined ? 'NULL' : quoteLiteral(watermark);
    const json = JSON.stringify({ ...checksum, rowsLeftOut });
    return `(${[objectPrefix, id, json].map(quoteLiteral).join(', ')}, ${instant})`;
  });
  return `INSERT INTO ${quoteTable(tables.splits)} (object_prefix, split, checksum, watermark)
    VALUES ${rows.join(', ')}`;
}
