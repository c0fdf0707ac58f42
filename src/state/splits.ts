import type { SplitSum } from '../avro/blocks.ts';
import type { Session } from '../clients/postgres.ts';
import { quoteLiteral, quoteTable } from '../identifiers.ts';
import type { Instant } from '../instant.ts';
import type { StateTables } from './tables.ts';
import { asInstant } from './watermark.ts';

/** What the ledger knows of a split whose rows are in staging. */
export interface DoneSplit {
  readonly sum: SplitSum;
  readonly watermark: Instant | undefined;
}

interface SplitRow {
  readonly split: string;
  readonly sum: string;
  readonly watermark: string | null;
}

/** The splits of an export that are committed, by id; all of them, or those named. */
export async function readDoneSplits(
  sql: Session,
  tables: StateTables,
  objectPrefix: string,
  ids?: readonly string[],
): Promise<ReadonlyMap<string, DoneSplit>> {
  const named = ids === undefined ? '' : ` AND split IN (${ids.map(quoteLiteral).join(', ')})`;
  const rows = await sql.unsafe<SplitRow[]>(
    `SELECT split, sum::text AS sum, ${asInstant('watermark')} AS watermark
     FROM ${quoteTable(tables.splits)} WHERE object_prefix = ${quoteLiteral(objectPrefix)}${named}`,
  );
  return new Map(
    rows.map((row) => [
      row.split,
      { sum: JSON.parse(row.sum) as SplitSum, watermark: row.watermark ?? undefined },
    ]),
  );
}

/** The rows that go into the transaction of the splits' COPY: a second one for a split fails. */
export function recordSplits(
  tables: StateTables,
  objectPrefix: string,
  splits: ReadonlyMap<string, DoneSplit>,
): string {
  const rows = Array.from(splits, ([id, { sum, watermark }]) => {
    const instant = watermark === undefined ? 'NULL' : quoteLiteral(watermark);
    const texts = [objectPrefix, id, JSON.stringify(sum)].map(quoteLiteral).join(', ');
    return `(${texts}, ${instant})`;
  });
  return `INSERT INTO ${quoteTable(tables.splits)} (object_prefix, split, sum, watermark)
    VALUES ${rows.join(', ')}`;
}
