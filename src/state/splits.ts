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

/** The splits of an export that are committed, by id; all of them, or only the one named. */
export async function readDoneSplits(
  sql: Session,
  tables: StateTables,
  objectPrefix: string,
  id?: string,
): Promise<ReadonlyMap<string, DoneSplit>> {
  const one = id === undefined ? '' : ` AND split = ${quoteLiteral(id)}`;
  const rows = await sql.unsafe<SplitRow[]>(
    `SELECT split, sum::text AS sum, ${asInstant('watermark')} AS watermark
     FROM ${quoteTable(tables.splits)} WHERE object_prefix = ${quoteLiteral(objectPrefix)}${one}`,
  );
  return new Map(
    rows.map((row) => [
      row.split,
      { sum: JSON.parse(row.sum) as SplitSum, watermark: row.watermark ?? undefined },
    ]),
  );
}

/** The row that goes into the transaction of the split's COPY: a second one for a split fails. */
export function recordSplit(
  tables: StateTables,
  objectPrefix: string,
  id: string,
  sum: SplitSum,
  watermark: Instant | undefined,
): string {
  const instant = watermark === undefined ? 'NULL' : quoteLiteral(watermark);
  return `INSERT INTO ${quoteTable(tables.splits)} (object_prefix, split, sum, watermark)
    VALUES (${quoteLiteral(objectPrefix)}, ${quoteLiteral(id)}, ${quoteLiteral(JSON.stringify(sum))}, ${instant})`;
}
