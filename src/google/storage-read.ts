import type { ObjectInfo } from './object-info.ts';
import { type Body, openBody } from './storage-body.ts';
import { type CallContext, callWithRetry } from './storage-call.ts';
import { brokenBody } from './storage-errors.ts';

/**
 * The bytes [start, end) of the object at its generation. A body that is cut, fails or stalls goes on
 * at the byte where it stopped; only tries without a single byte in between count as fruitless.
 */
export async function* readRange(
  calling: CallContext,
  object: ObjectInfo,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  const { storage, options, signal } = calling;
  const { bucket, name, generation } = object;
  const file = storage.bucket(bucket).file(name, { generation });
  const call = { bucket, object: name, permission: 'storage.objects.get' };
  let position = start;
  let body: Body | undefined;

  async function nextChunk(): Promise<Buffer> {
    body ??= openBody(file, position, end, options.answerMs, signal);
    try {
      const chunk = await body.next();
      if (chunk === undefined) throw brokenBody(`the body ended at byte ${position} of ${end}`);
      return chunk;
    } catch (error) {
      body.close();
      body = undefined;
      throw error;
    }
  }

  try {
    while (position < end) {
      const chunk = await callWithRetry(calling, call, nextChunk);
      const wanted = chunk.subarray(0, end - position);
      position += wanted.length;
      yield wanted;
    }
    await body?.next().catch(() => undefined); // its end: the connection can serve the next request
  } finally {
    body?.close();
  }
}
