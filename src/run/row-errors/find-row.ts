import { readBlocks } from '../../avro/blocks.ts';
import { Cursor } from '../../copy/cursor.ts';
import { rowReader } from '../../copy/text-encoder.ts';
import type { RowSource } from '../../load/row-source.ts';
import type { Plan } from '../../plan/plan.ts';

/** The values of a row as COPY text writes them, not escaped; undefined is NULL. */
export type Row = readonly (string | undefined)[];

/** Reads the export again up to the row, and takes its values as BigQuery wrote them. */
export async function findRow(plan: Plan, rows: RowSource, line: number): Promise<Row | undefined> {
  const cursor = new Cursor(0, 0);
  let left = line;
  for (const split of rows.splits) {
    const header = await rows.headerOf(split);
    const read = rowReader(plan.columns, header.fields);
    for await (const block of readBlocks(rows.store, rows.headerOf, split, rows.signal)) {
      cursor.read(block.bytes);
      for (let row = 0; row < block.rows; row += 1) {
        const cells = read(cursor);
        left -= 1;
        if (left === 0) return cells;
      }
    }
  }
  return undefined;
}
