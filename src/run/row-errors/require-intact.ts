import { checkObject } from '../../avro/check-object.ts';
import { crc32c } from '../../avro/crc32c.ts';
import type { ObjectInfo } from '../../google/object-info.ts';
import type { RowSource } from '../../load/row-source.ts';

/**
 * Reads the object once more, all of it: before a value of it is blamed, its bytes must be those that
 * BigQuery wrote. Throws CORRUPT_OBJECT where they are not.
 */
export async function requireIntact(
  { store, signal }: Pick<RowSource, 'store' | 'signal'>,
  object: ObjectInfo,
): Promise<void> {
  let crc = 0;
  for await (const chunk of store.read(object, 0, object.size, signal)) crc = crc32c(chunk, crc);
  const whole = { start: 0, end: object.size, crc, rows: 0, firstBlock: null };
  checkObject(object, { headerBytes: 0 }, [{ ...whole, afterBlocks: object.size }]);
}
