import type { ObjectInfo } from '../clients/storage.ts';
import type { SplitSum } from './blocks.ts';
import type { Header } from './header.ts';

/**
 * Checks that the splits of an object together saw each of its bytes and blocks once, and that the
 * bytes are those that were written (CRC32C). Throws CORRUPT_OBJECT. The sums come in any order.
 */
export function checkObject(object: ObjectInfo, header: Header, sums: readonly SplitSum[]): void {
  throw new Error(`not written yet ${object} ${header} ${sums}`);
}
