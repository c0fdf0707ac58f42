import { bytesText } from './figures.ts';

/** US dollars per TiB, on demand, in US and EU (https://cloud.google.com/bigquery/pricing). */
const DOLLARS_PER_TIB = 6.25;

/** What BigQuery billed for a run, in words. Storage, and slots that were reserved, are billed apart. */
export function costText(bytesBilled: number): string {
  if (bytesBilled === 0) return 'BigQuery billed nothing';
  const dollars = (bytesBilled / 2 ** 40) * DOLLARS_PER_TIB;
  const price = dollars < 0.005 ? 'less than 0.01 $' : `about ${dollars.toFixed(2)} $`;
  return `BigQuery billed ${bytesText(bytesBilled)}, ${price} on demand`;
}
