import { expect, test } from 'bun:test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Storage } from '@google-cloud/storage';
import { ObjectStore } from '../../src/google/storage.ts';

const SIZE = 256 * 1024 * 1024;
const FOREVER = new AbortController().signal;
const object = { bucket: 'lab', name: 'a', generation: '1', size: SIZE, crc32c: '' };

/** An object of zeros; counts what the reader's side of the socket took. */
async function startZeros() {
  const piece = Buffer.alloc(1024 * 1024);
  const sent = { bytes: 0, requests: 0, open: 0 };
  const server = createServer((request, response) => {
    sent.requests += 1;
    const [, start = 0, last = 0] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    let left = Number(last) + 1 - Number(start);
    response.writeHead(206, {
      'content-length': left,
      'content-range': `bytes ${start}-${last}/${SIZE}`,
    });
    const write = () => {
      for (let more = true; more && left > 0; ) {
        const part = piece.subarray(0, left);
        left -= part.length;
        sent.bytes += part.length;
        more = response.write(part);
      }
      if (left === 0) response.end();
    };
    response.on('drain', write);
    write();
  });
  server.on('connection', (socket) => {
    sent.open += 1;
    socket.on('close', () => {
      sent.open -= 1;
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const apiEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new Storage({ apiEndpoint, retryOptions: { autoRetry: false } });
  return {
    sent,
    store: new ObjectStore(client, 'lab', { firstDelayMs: 5 }),
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(10);
}

test('a reader that pauses makes the sender pause: memory does not grow', async () => {
  using zeros = await startZeros();
  let read = 0;
  for await (const chunk of zeros.store.read(object, 0, SIZE, FOREVER)) {
    if (read === 0) await Bun.sleep(500);
    if (read === 0) expect(zeros.sent.bytes).toBeLessThan(32 * 1024 * 1024);
    read += chunk.length;
  }
  expect(read).toBe(SIZE);
  expect(zeros.sent.requests).toBe(1);
});

test('leaving a read closes its connection, and disturbs no other', async () => {
  using zeros = await startZeros();
  const other = zeros.store.read(object, 0, SIZE, FOREVER)[Symbol.asyncIterator]();
  let read = (await other.next()).value?.length ?? 0;
  for (let i = 0; i < 5; i++) {
    for await (const _chunk of zeros.store.read(object, 0, SIZE, FOREVER)) break;
  }
  await until(() => zeros.sent.open === 1);
  for (let next = await other.next(); !next.done; next = await other.next()) {
    read += next.value.length;
  }
  expect(read).toBe(SIZE);
  expect(zeros.sent.requests).toBe(6);
});

test('reads one after the other share a connection', async () => {
  using zeros = await startZeros();
  for (let at = 0; at < 10; at++) {
    const range = zeros.store.read(object, at * 1000, at * 1000 + 1000, FOREVER);
    for await (const chunk of range) expect(chunk.length).toBe(1000);
  }
  expect(zeros.sent.open).toBe(1);
});

test('an answer with other bytes than those asked for is not taken for them', async () => {
  const server = Bun.serve({
    port: 0,
    fetch: () => new Response('0123456789', { status: 200 }),
  });
  const apiEndpoint = `http://127.0.0.1:${server.port}`;
  const client = new Storage({ apiEndpoint, retryOptions: { autoRetry: false } });
  const store = new ObjectStore(client, 'lab', { firstDelayMs: 5, patienceMs: 20 });
  const reading = Array.fromAsync(store.read(object, 5, 10, FOREVER));
  await expect(reading).rejects.toThrow('asked for the bytes from 5 on, was given none');
  await server.stop(true);
});
