import type { SplitChecksum } from '../avro/blocks.ts';
import type { Instant } from '../instant.ts';
import type { Session } from '../postgres/pool.ts';
import { quoteLiteral, quoteTable } from '../postgres/quoting.ts';
import type { StateTables } from './state-tables.ts';
import { asInstant } from './watermark.ts';

/** What the ledger knows of a split whose rows are in staging. */
export interface SplitStats {
  readonly checksum: SplitChecksum;
  readonly watermark: Instant | undefined;
}

interface SplitRow {
  readonly split: string;
  readonly checksum: string;
  readonly watermark: string | null;
}

/** The splits of an export that are committed, by id; all of them, or those named. */
export async function readLoadedSplits(
  sql: Session,
  tables: StateTables,
  objectPrefix: string,
  ids?: readonly string[],
): Promise<ReadonlyMap<string, SplitStats>> {
  const named = ids === undefined ? '' : ` AND split IN (${ids.map(quoteLiteral).join(', ')})`;
  const rows = await sql.unsafe<SplitRow[]>(
    `SELECT split, checksum::text AS checksum, ${asInstant('watermark')} AS watermark
     FROM ${quoteTable(tables.splits)} WHERE object_prefix = ${quoteLiteral(objectPrefix)}${named}`,
  );
  return new Map(
    rows.map((row) => [
      row.split,
      {
        checksum: JSON.parse(row.checksum) as SplitChecksum,
        watermark: row.watermark ?? undefined,
      },
    ]),
  );
}

/** The rows that go into the transaction of the splits' COPY: a second one for a split fails. */
export function recordSplits(
  tables: StateTables,
  objectPrefix: string,
  splits: ReadonlyMap<string, SplitStats>,
): string {
  const rows = Array.from(splits, ([id, { checksum, watermark }]) => {
    const instant = watermark === undefined ? 'NULL' : quoteLiteral(watermark);
    const texts = [objectPrefix, id, JSON.stringify(checksum)].map(quoteLiteral).join(', ');
    return `(${texts}, ${instant})`;
  });
  return `INSERT INTO ${quoteTable(tables.splits)} (object_prefix, split, checksum, watermark)
    VALUES ${rows.join(', ')}`;
}
