import { ProjectorError } from '../errors.ts';
import { gsUri, type ObjectInfo } from '../google/object-info.ts';
import type { SplitChecksum } from './blocks.ts';
import { combineCrc32c, parseCrc32c } from './crc32c.ts';
import type { Header } from './header.ts';

/**
 * Checks that the splits of an object together saw each of its bytes and blocks once, and that the
 * bytes are those that were written (CRC32C). Throws CORRUPT_OBJECT. They come in any order.
 */
export function checkObject(
  object: ObjectInfo,
  header: Pick<Header, 'headerBytes'>,
  checksums: readonly SplitChecksum[],
): void {
  const ordered = checksums.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const expected = { byte: 0, block: header.headerBytes };
  let crc = 0;
  for (const part of ordered) {
    if (part.start !== expected.byte)
      throw corrupt(object, `bytes ${expected.byte} to ${part.start}`);
    if (part.firstBlock !== null && part.firstBlock !== expected.block) {
      throw corrupt(object, `the blocks from byte ${expected.block} to ${part.firstBlock}`);
    }
    expected.byte = part.end;
    expected.block = part.afterBlocks ?? expected.block;
    crc = combineCrc32c(crc, part.crc, part.end - part.start);
  }
  if (expected.byte !== object.size) throw corrupt(object, `the bytes from ${expected.byte} on`);
  // The checksum before the blocks: a flipped byte is the reason, a lost block what comes of it.
  if (crc !== parseCrc32c(object.crc32c)) throw wrongChecksum(object, crc);
  if (expected.block !== object.size)
    throw corrupt(object, `the blocks from byte ${expected.block} on`);
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
