import { bytesText } from './figures.ts';

/** US dollars per TiB, on demand, in US and EU (https://cloud.google.com/bigquery/pricing). */
const DOLLARS_PER_TIB = 6.25;

/** What BigQuery billed for a run, in words. Storage, and slots that were reserved, are billed apart. */
export function costText(bytesBilled: number): string {
  if (bytesBilled === 0) return 'BigQuery billed nothing';
  return `BigQuery billed ${bytesText(bytesBilled)}, ${priceText(bytesBilled)}`;
}

/** What BigQuery asks for so many bytes, in words. */
export function priceText(bytes: number): string {
  const dollars = (bytes / 2 ** 40) * DOLLARS_PER_TIB;
  return `${dollars < 0.005 ? 'less than 0.01 $' : `about ${dollars.toFixed(2)} $`} on demand`;
}
