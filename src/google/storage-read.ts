import type { ObjectInfo } from './object-info.ts';
import { Body } from './storage-body.ts';
import { type CallContext, callWithRetry } from './storage-call.ts';
import { brokenBody } from './storage-errors.ts';

/**
 * The bytes [start, end) of the object at its generation. A body that is cut, fails or stalls is
 * resumed at the byte where it stopped; only tries without a single byte in between count as fruitless.
 */
export async function* readRange(
  context: CallContext,
  object: ObjectInfo,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  const { storage, options, signal } = context;
  const { bucket, name, generation } = object;
  const file = storage.bucket(bucket).file(name, { generation });
  const call = { bucket, object: name, permission: 'storage.objects.get' };
  let position = start;
  let body: Body | undefined;

  async function nextChunk(): Promise<Buffer> {
    body ??= new Body(file, position, end);
    try {
      const chunk = await body.next(signal, options.answerMs);
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
      const chunk = await callWithRetry(context, call, nextChunk);
      const wanted = chunk.subarray(0, end - position);
      position += wanted.length;
      yield wanted;
    }
    // Its end: the connection can serve the next request.
    await body?.next(signal, options.answerMs).catch(() => undefined);
  } finally {
    body?.close();
  }
}
