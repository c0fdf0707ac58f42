import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Storage } from '@google-cloud/storage';
import type { ObjectInfo } from '../../src/google/object-info.ts';
import { createStorage, ObjectStore } from '../../src/google/storage.ts';
import { type Clients, startClients } from '../gcp/clients.ts';

const BYTES = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7) % 251));
const QUICK = { answerMs: 300, patienceMs: 20_000, firstDelayMs: 5 };
const FOREVER = new AbortController().signal;

let clients: Clients;
let store: ObjectStore;
let object: ObjectInfo;

beforeAll(async () => {
  clients = await startClients();
});
afterAll(() => clients[Symbol.asyncDispose]());
beforeEach(async () => {
  const { google } = clients;
  google.heal();
  google.allow();
  google.settings.pageSize = 1000;
  google.createBucket('lab', { location: 'europe-west1' });
  google.writeObject('lab', 'runs/1/a.avro', BYTES);
  store = new ObjectStore(await createStorage(), 'lab', QUICK);
  [object] = (await store.list('runs/1/', FOREVER)) as [ObjectInfo];
});

async function readAll(range = { start: 0, end: BYTES.length }, signal = FOREVER): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of store.read(object, range.start, range.end, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The ranges that were asked for since the last call, in the order of their arrival. */
function rangesSince(count: number): (string | undefined)[] {
  const downloads = clients.google.requests
    .slice(count)
    .filter(({ path }) => path.includes('alt=media'));
  expect(downloads.every(({ path }) => path.includes(`generation=${object.generation}`))).toBe(
    true,
  );
  return downloads.map(({ headers: { range } }) => range);
}

async function failureOf(promise: Promise<unknown>) {
  return await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a ranged read', () => {
  test.each([
    [0, 200_000],
    [0, 1],
    [199_999, 200_000],
    [65_535, 131_073],
    [10, 10],
  ])('gives exactly the bytes %d to %d', async (start, end) => {
    expect((await readAll({ start, end })).equals(BYTES.subarray(start, end))).toBe(true);
  });

  test('that is cut resumes at the byte where it stopped', async () => {
    const before = clients.google.requests.length;
    clients.google.fail({ kind: 'cut', path: /alt=media/, afterBytes: 70_000 });
    clients.google.fail({ kind: 'cut', path: /alt=media/, afterBytes: 1 });
    expect((await readAll({ start: 100, end: 150_000 })).equals(BYTES.subarray(100, 150_000))).toBe(
      true,
    );
    const [first, second, third, ...more] = rangesSince(before);
    expect(first).toBe('bytes=100-149999');
    expect(second).toBe('bytes=70100-149999');
    expect(third).toBe('bytes=70101-149999');
    expect(more).toEqual([]);
  });

  test('that stalls resumes at the byte where it stopped', async () => {
    const before = clients.google.requests.length;
    clients.google.fail({ kind: 'stall', path: /alt=media/, afterBytes: 5000 });
    expect((await readAll()).equals(BYTES)).toBe(true);
    expect(rangesSince(before)).toEqual(['bytes=0-199999', 'bytes=5000-199999']);
  });

  test.each([500, 502, 503, 504, 429, 408])(
    'that is answered by %d is asked for again',
    async (status) => {
      const before = clients.google.requests.length;
      clients.google.fail({ kind: 'error', path: /alt=media/, status, times: 2 });
      expect((await readAll()).equals(BYTES)).toBe(true);
      expect(rangesSince(before).length).toBe(3);
    },
  );

  test('whose connection is dropped is asked for again', async () => {
    clients.google.fail({ kind: 'drop', path: /alt=media/, times: 2 });
    clients.google.fail({ kind: 'drop-answer', path: /alt=media/ });
    expect((await readAll()).equals(BYTES)).toBe(true);
  });

  test('of an object that was overwritten is an error at once', async () => {
    clients.google.writeObject('lab', 'runs/1/a.avro', BYTES);
    const before = clients.google.requests.length;
    expect(await failureOf(readAll())).toMatchObject({
      code: 'OBJECT_CHANGED',
      message: expect.stringContaining('gs://lab/runs/1/a.avro'),
    });
    expect(rangesSince(before).length).toBe(1);
  });

  test('of an object that is deleted between a cut and the next request is an error', async () => {
    clients.google.fail({ kind: 'cut', path: /alt=media/, afterBytes: 5000 });
    const reading = (async () => {
      for await (const _chunk of store.read(object, 0, BYTES.length, FOREVER)) {
        clients.google.deleteObject('lab', 'runs/1/a.avro');
      }
    })();
    expect(await failureOf(reading)).toMatchObject({ code: 'OBJECT_CHANGED' });
  });

  test('beyond the end of its object is an error at once', async () => {
    expect(await failureOf(readAll({ start: 200_000, end: 200_100 }))).toMatchObject({
      code: 'OBJECT_CHANGED',
    });
  });

  test('without the permission names the role and the account', async () => {
    clients.google.deny('storage.objects.get');
    expect(await failureOf(readAll())).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('storage.objects.get on the bucket gs://lab'),
      hint: expect.stringContaining(
        'gs://lab --member=serviceAccount:projector@test-project.iam.gserviceaccount.com --role=roles/storage.objectUser',
      ),
    });
  });

  test('that never succeeds is given up when patience ends', async () => {
    store = new ObjectStore(await createStorage(), 'lab', { ...QUICK, patienceMs: 50 });
    clients.google.fail({ kind: 'error', path: /alt=media/, status: 503, times: 1e9 });
    expect(await failureOf(readAll())).toMatchObject({ code: 'STORAGE_FAILED' });
  });

  test('warns of a failure that lasts, and not of one that passes', async () => {
    const warned: string[] = [];
    const calling = new AbortController();
    const warn = (message: string) => {
      warned.push(message);
      calling.abort();
    };
    store = new ObjectStore(await createStorage(), 'lab', { ...QUICK, reportEveryMs: 20, warn });
    clients.google.fail({ kind: 'error', path: /alt=media/, status: 503, times: 1 });
    await readAll();
    expect(warned).toEqual([]);
    clients.google.fail({ kind: 'error', path: /alt=media/, status: 503, times: 1e9 });
    await failureOf(readAll(undefined, calling.signal));
    expect(warned[0]).toMatch(/^Cloud Storage did not answer for gs:\/\/lab\/runs\/1\/a.avro: /);
  });

  test('gives fresh patience to each chunk', async () => {
    store = new ObjectStore(await createStorage(), 'lab', {
      ...QUICK,
      answerMs: 60,
      patienceMs: 100,
    });
    clients.google.fail({ kind: 'stall', path: /alt=media/, afterBytes: 20_000, times: 8 });
    expect((await readAll()).equals(BYTES)).toBe(true);
  });

  test('after a 401 resumes with a new token', async () => {
    const { google } = clients;
    const { STORAGE_EMULATOR_HOST: apiEndpoint = '' } = google.env;
    const client = new Storage({
      apiEndpoint,
      useAuthWithCustomEndpoint: true,
      retryOptions: { autoRetry: false },
    });
    store = new ObjectStore(client, 'lab', QUICK);
    await readAll();
    const before = google.requests.length;
    google.expireTokens();
    expect((await readAll()).equals(BYTES)).toBe(true);
    const tokens = google.requests
      .slice(before)
      .map(({ headers: { authorization } }) => authorization);
    expect(new Set(tokens.filter(Boolean)).size).toBe(2);
  });
});

describe('an aborted signal', () => {
  const reason = new Error('called off');

  test('ends a read before it starts, without a request', async () => {
    const before = clients.google.requests.length;
    const reading = readAll({ start: 0, end: 10 }, AbortSignal.abort(reason));
    expect(await failureOf(reading)).toBe(reason);
    expect(clients.google.requests.length).toBe(before);
  });

  test('ends a read that has stalled', async () => {
    store = new ObjectStore(await createStorage(), 'lab');
    clients.google.fail({ kind: 'stall', path: /alt=media/, afterBytes: 5000 });
    const calling = new AbortController();
    const reading = (async () => {
      for await (const _chunk of store.read(object, 0, BYTES.length, calling.signal)) {
        queueMicrotask(() => calling.abort(reason));
      }
    })();
    expect(await failureOf(reading)).toBe(reason);
  });

  test('ends the wait between two tries', async () => {
    store = new ObjectStore(await createStorage(), 'lab', { firstDelayMs: 1e6 });
    clients.google.fail({ kind: 'error', status: 503, times: 1e9 });
    const calling = new AbortController();
    setTimeout(() => calling.abort(reason), 100);
    expect(await failureOf(store.list('', calling.signal))).toBe(reason);
  });

  test('ends a listing and a deletion that are not answered', async () => {
    store = new ObjectStore(await createStorage(), 'lab');
    clients.google.fail({ kind: 'delay', ms: 5000, times: 4 });
    const calling = new AbortController();
    setTimeout(() => calling.abort(reason), 100);
    const both = [store.list('', calling.signal), store.remove([object], calling.signal)];
    expect(await Promise.all(both.map(failureOf))).toEqual([reason, reason]);
    expect(clients.google.objects('lab').length).toBe(1);
  });
});

test('an answer that comes after its read was given up does no harm', async () => {
  clients.google.fail({ kind: 'delay', path: /alt=media/, ms: 500 });
  expect((await readAll()).equals(BYTES)).toBe(true);
  await Bun.sleep(500); // until the late answer is there: an uncaught error fails the test
  expect((await readAll()).equals(BYTES)).toBe(true);
});

describe('listing', () => {
  test('goes through all pages, in order, with what a split needs', async () => {
    clients.google.settings.pageSize = 3;
    for (let i = 0; i < 10; i++) clients.google.writeObject('lab', `runs/2/${i}`, Buffer.from([i]));
    clients.google.writeObject('lab', 'runs/20', Buffer.from('no'));
    const listed = await store.list('runs/2/', FOREVER);
    expect(listed.map(({ name }) => name)).toEqual(
      Array.from({ length: 10 }, (_, i) => `runs/2/${i}`),
    );
    expect(listed[0]).toEqual({
      bucket: 'lab',
      name: 'runs/2/0',
      size: 1,
      generation: clients.google.objects('lab')[1]?.generation ?? '',
      crc32c: expect.stringMatching(/^.{8}$/),
    });
  });

  test('of nothing is empty', async () => {
    expect(await store.list('other/', FOREVER)).toEqual([]);
  });

  test('survives failures on every page', async () => {
    clients.google.settings.pageSize = 1;
    clients.google.writeObject('lab', 'runs/1/b.avro', BYTES);
    clients.google.fail({ kind: 'error', path: /\/o\?/, status: 503 });
    clients.google.fail({ kind: 'drop-answer', path: /pageToken/ });
    expect((await store.list('runs/1/', FOREVER)).length).toBe(2);
  });
});

describe('removing', () => {
  const names = () => clients.google.objects('lab').map(({ name }) => name);

  test('deletes the objects named and no others; again is success', async () => {
    clients.google.writeObject('lab', 'runs/1/b.avro', BYTES);
    expect(await store.remove([object], FOREVER)).toBe(1);
    expect(names()).toEqual(['runs/1/b.avro']);
    expect(await store.remove([object], FOREVER)).toBe(1);
  });

  test('deletes all with the prefix, however many', async () => {
    for (let i = 0; i < 60; i++) clients.google.writeObject('lab', `runs/2/${i}`, Buffer.from([i]));
    clients.google.fail({ kind: 'error', method: 'DELETE', status: 503, times: 3 });
    clients.google.fail({ kind: 'drop-answer', method: 'DELETE', times: 2 });
    expect(await store.remove('runs/2/', FOREVER)).toBe(60);
    expect(names()).toEqual(['runs/1/a.avro']);
  });

  test('leaves an object that was written anew', async () => {
    clients.google.writeObject('lab', 'runs/1/a.avro', BYTES);
    await store.remove([object], FOREVER);
    expect(names()).toEqual(['runs/1/a.avro']);
  });

  test('deletes the others where one object cannot be deleted, and reports it', async () => {
    for (let i = 0; i < 40; i++) clients.google.writeObject('lab', `runs/2/${i}`, Buffer.from([i]));
    clients.google.fail({ kind: 'error', method: 'DELETE', path: /2F17\?/, status: 403, times: 9 });
    expect(await failureOf(store.remove('runs/2/', FOREVER))).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('storage.objects.delete'),
    });
    expect(names()).toEqual(['runs/1/a.avro', 'runs/2/17']);
  });
});

describe('the check of the bucket', () => {
  test('gives its location', async () => {
    expect(await store.checkBucket(FOREVER)).toEqual({ location: 'EUROPE-WEST1' });
  });

  test('is content without the right to see the bucket itself', async () => {
    clients.google.deny('storage.buckets.get');
    expect(await store.checkBucket(FOREVER)).toEqual({ location: undefined });
  });

  test('names a bucket that is not there, and how to create it', async () => {
    store = new ObjectStore(await createStorage(), 'nowhere', QUICK);
    expect(await failureOf(store.checkBucket(FOREVER))).toMatchObject({
      code: 'BUCKET_NOT_FOUND',
      hint: expect.stringContaining('gcloud storage buckets create gs://nowhere'),
    });
  });

  test.each([
    'storage.objects.create',
    'storage.objects.list',
    'storage.objects.get',
    'storage.objects.delete',
  ])('names %s where it is missing, and the role that grants it', async (permission) => {
    clients.google.deny(permission);
    expect(await failureOf(store.checkBucket(FOREVER))).toMatchObject({
      code: 'ACCESS_DENIED',
      message: `the credentials lack ${permission} on the bucket gs://lab`,
      hint: expect.stringContaining('--role=roles/storage.objectUser'),
    });
  });
});
