import type { ByteBuffer } from './byte-buffer.ts';

/** Length of a sync marker (Avro specification, "Object Container Files"). */
export const SYNC_BYTES = 16;

/**
 * Moves `buffer` on to what follows the next sync marker, which begins before byte `end`. False where
 * there is none.
 */
export async function skipToSyncMarker(
  buffer: ByteBuffer,
  marker: Buffer,
  end: number,
): Promise<boolean> {
  while (buffer.position < end) {
    const at = buffer.indexOf(marker);
    if (at !== -1) {
      buffer.skip(at + SYNC_BYTES);
      return buffer.position < end;
    }
    buffer.skip(Math.max(0, buffer.length - SYNC_BYTES + 1));
    const unread = buffer.position + buffer.length;
    if (unread >= end || !(await buffer.fill(buffer.length + 1))) return false;
  }
  return false;
}
