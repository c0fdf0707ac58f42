import { readBlocks } from '../../avro/blocks.ts';
import { Cursor } from '../../copy/cursor.ts';
import { rowReader } from '../../copy/text-encoder.ts';
import type { ObjectInfo } from '../../google/object-info.ts';
import type { RowSource } from '../../load/row-source.ts';
import type { Plan } from '../../plan/plan.ts';

/** The values of a row as COPY text writes them, not escaped; undefined is NULL. */
export type Row = readonly (string | undefined)[];

/** A row of the export, read again. */
export interface FoundRow {
  readonly object: ObjectInfo;
  /** undefined: the block cannot be read as its schema says. */
  readonly cells: Row | undefined;
}

/** Reads the export again up to the row, and takes its values as BigQuery wrote them. */
export async function findRow(
  plan: Plan,
  rows: RowSource,
  line: number,
): Promise<FoundRow | undefined> {
  let left = line;
  for (const split of rows.splits) {
    const { fields } = await rows.headerOf(split);
    const read = rowReader(plan.columns, fields);
    for await (const block of readBlocks(rows.store, rows.headerOf, split, rows.signal)) {
      if (left <= block.rows)
        return { object: split.object, cells: nthRow(block.bytes, left, read) };
      left -= block.rows;
    }
  }
  return undefined;
}

function nthRow(bytes: Buffer, nth: number, read: (c: Cursor) => Row): Row | undefined {
  const cursor = new Cursor(0, 0);
  cursor.read(bytes);
  try {
    for (let before = 1; before < nth; before += 1) read(cursor);
    return read(cursor);
  } catch {
    return undefined;
  }
}
