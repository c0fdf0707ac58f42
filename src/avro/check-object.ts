import { ProjectorError } from '../errors.ts';
import { gsUri, type ObjectInfo } from '../google/object-info.ts';
import type { SplitChecksum } from './blocks.ts';
import { combineCrc32c, parseCrc32c } from './crc32c.ts';
import type { Header } from './header.ts';

/**
 * Checks that the splits of an object together saw each of its bytes and blocks once, and that the
 * bytes are those that were written (CRC32C). Throws CORRUPT_OBJECT. The sums come in any order.
 */
export function checkObject(
  object: ObjectInfo,
  header: Pick<Header, 'headerBytes'>,
  sums: readonly SplitChecksum[],
): void {
  const ordered = sums.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const next = { byte: 0, block: header.headerBytes };
  let crc = 0;
  for (const sum of ordered) {
    if (sum.start !== next.byte) throw corrupt(object, `bytes ${next.byte} to ${sum.start}`);
    if (sum.firstBlock !== null && sum.firstBlock !== next.block) {
      throw corrupt(object, `the blocks from byte ${next.block} to ${sum.firstBlock}`);
    }
    next.byte = sum.end;
    next.block = sum.afterBlocks ?? next.block;
    crc = combineCrc32c(crc, sum.crc, sum.end - sum.start);
  }
  if (next.byte !== object.size) throw corrupt(object, `the bytes from ${next.byte} on`);
  // The checksum before the blocks: a flipped byte is the reason, a lost block what comes of it.
  if (crc !== parseCrc32c(object.crc32c)) throw wrongChecksum(object, crc);
  if (next.block !== object.size) throw corrupt(object, `the blocks from byte ${next.block} on`);
}

function corrupt(object: ObjectInfo, missed: string): ProjectorError {
  return new ProjectorError({
    code: 'CORRUPT_OBJECT',
    message: `${gsUri(object)}: ${missed} were not read exactly once`,
    hint: 'Run the same command again: it exports anew.',
  });
}

function wrongChecksum(object: ObjectInfo, crc: number): ProjectorError {
  const found = Buffer.alloc(4);
  found.writeUInt32BE(crc);
  return new ProjectorError({
    code: 'CORRUPT_OBJECT',
    message: `${gsUri(object)} did not arrive as it was written: its CRC32C is ${object.crc32c}, that of the bytes read ${found.toString('base64')}`,
    hint: 'Run the same command again: it reads the object anew.',
  });
}
