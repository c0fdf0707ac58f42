import type { ServerResponse } from 'node:http';
import type { ApiResponse } from './http.ts';
import type { Fault } from './types.ts';

/** Sends an answer, as far and as well as the fault lets it. */
export async function send(
  outgoing: ServerResponse,
  { status, headers, body }: ApiResponse,
  fault: Fault | undefined,
): Promise<void> {
  const raw = Buffer.isBuffer(body);
  const content = raw ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
  outgoing.writeHead(status, {
    'content-type': raw ? 'application/octet-stream' : 'application/json; charset=UTF-8',
    'content-length': String(content.length),
    ...headers,
  });
  switch (fault?.kind) {
    case 'cut':
      await write(outgoing, content.subarray(0, fault.afterBytes));
      await hangUp(outgoing);
      return;
    case 'stall':
      await write(outgoing, content.subarray(0, fault.afterBytes));
      return;
    case 'flip': {
      const flipped = Buffer.from(content);
      if (fault.atByte < flipped.length) flipped[fault.atByte] = (flipped[fault.atByte] ?? 0) ^ 1;
      outgoing.end(flipped);
      return;
    }
    default:
      outgoing.end(content);
  }
}

/**
 * Ends the connection as a peer that is done: torn down at once, what was written could be lost on
 * its way to a client that is slow to read.
 */
async function hangUp({ socket }: ServerResponse): Promise<void> {
  if (socket === null || socket.destroyed) return;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end();
  await Promise.race([closed, Bun.sleep(2000)]);
  socket.destroy();
}

function write(outgoing: ServerResponse, bytes: Buffer): Promise<void> {
  if (bytes.length === 0) outgoing.flushHeaders();
  return new Promise((resolve) => {
    outgoing.write(bytes, () => resolve());
  });
}
