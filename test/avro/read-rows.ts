import type { Block } from '../../src/avro/block-parser.ts';
import { readBlocks, type SplitChecksum } from '../../src/avro/blocks.ts';
import { checkObject } from '../../src/avro/check-object.ts';
import { fetchHeader } from '../../src/avro/header.ts';
import { planSplits } from '../../src/avro/splits.ts';
import type { ObjectInfo } from '../../src/google/object-info.ts';
import type { ObjectStore } from '../../src/google/storage.ts';
import { decodeRows, type Row } from './decode.ts';

export const FOREVER = new AbortController().signal;

/** The rows of an object, split by split, and its check: what a load does with it. */
export async function readRows(
  store: Pick<ObjectStore, 'read'>,
  object: ObjectInfo,
  splitBytes: number,
  onBlock: (block: Block) => void = () => undefined,
): Promise<Row[]> {
  const header = await fetchHeader(store, object, FOREVER);
  const rows: Row[] = [];
  const sums: SplitChecksum[] = [];
  for (const split of planSplits([object], splitBytes)) {
    const reader = readBlocks(store, async () => header, split, FOREVER);
    for await (const block of reader) {
      onBlock(block);
      rows.push(...decodeRows(block.bytes, block.rows, header.fields));
    }
    sums.push(reader.checksum());
  }
  checkObject(object, header, sums);
  return rows;
}
