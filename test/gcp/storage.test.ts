import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { type Clients, refusal, startClients } from './clients.ts';
import { crc32cBase64 } from './crc32c.ts';

let clients: Clients;
const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, at) => (at * 7) % 256));

beforeAll(async () => {
  clients = await startClients();
});
afterAll(() => clients[Symbol.asyncDispose]());
beforeEach(() => {
  clients.google.createBucket('b');
  clients.google.writeObject('b', 'dir/object one', bytes);
  clients.google.allow();
  clients.google.settings.pageSize = 1000;
});

test('CRC32C is the one of the standard', () => {
  // RFC 3720, appendix B.4: 32 bytes of zeros give aa 36 91 8a, in the order of the wire.
  expect(Buffer.from(crc32cBase64(Buffer.alloc(32)), 'base64').toString('hex')).toBe('8a9136aa');
  expect(crc32cBase64(Buffer.from('123456789'))).toBe(
    Buffer.from('e3069283', 'hex').toString('base64'),
  );
});

test('a download is whole, and the client finds its checksum right', async () => {
  const [read] = await clients.storage
    .bucket('b')
    .file('dir/object one')
    .download({ validation: 'crc32c' });
  expect(read.equals(bytes)).toBe(true);
});

test('a range is answered with the bytes asked for', async () => {
  const file = clients.storage.bucket('b').file('dir/object one');
  expect((await file.download({ start: 100, end: 199 }))[0].equals(bytes.subarray(100, 200))).toBe(
    true,
  );
  expect((await file.download({ start: 9_990 }))[0].equals(bytes.subarray(9_990))).toBe(true);
  expect(await refusal(file.download({ start: 10_000 }))).toMatchObject({ code: 416 });
});

test('metadata has size, generation and checksums', async () => {
  const [metadata] = await clients.storage.bucket('b').file('dir/object one').getMetadata();
  expect(metadata).toMatchObject({
    kind: 'storage#object',
    name: 'dir/object one',
    bucket: 'b',
    size: '10000',
    metageneration: '1',
    generation: expect.stringMatching(/^\d{16}$/),
    crc32c: crc32cBase64(bytes),
    md5Hash: new Bun.CryptoHasher('md5').update(bytes).digest('base64'),
  });
});

test('an object that was replaced is not found under its old generation', async () => {
  const [{ generation = '' }] = await clients.storage
    .bucket('b')
    .file('dir/object one')
    .getMetadata();
  clients.google.writeObject('b', 'dir/object one', Buffer.from('other'));
  const old = clients.storage.bucket('b').file('dir/object one', { generation });
  expect(await refusal(old.download({ start: 0 }))).toMatchObject({ code: 404 });
});

test('a deleted object is gone, and deleting it again is 404', async () => {
  const file = clients.storage.bucket('b').file('dir/object one');
  await file.delete();
  expect(clients.google.objects('b')).toEqual([]);
  expect(await refusal(file.delete())).toMatchObject({ code: 404, reason: 'notFound' });
});

test('a listing has the prefix asked for, in order, over several pages', async () => {
  for (let at = 0; at < 25; at += 1) clients.google.writeObject('b', `run/${24 - at}`, bytes);
  clients.google.settings.pageSize = 10;
  const [files] = await clients.storage.bucket('b').getFiles({ prefix: 'run/' });
  expect(files.map(({ name }) => name)).toEqual(
    Array.from({ length: 25 }, (_, at) => `run/${at}`).sort(),
  );
  const pages = clients.google.requests.filter(({ path }) => path.includes('prefix=run'));
  expect(pages).toHaveLength(3);
});

test('an empty listing has no items', async () => {
  expect((await clients.storage.bucket('b').getFiles({ prefix: 'nothing' }))[0]).toEqual([]);
});

test('a bucket that is missing and one that is forbidden have different errors', async () => {
  const { storage, google } = clients;
  expect(await refusal(storage.bucket('nope').getMetadata())).toEqual({
    code: 404,
    reason: 'notFound',
    message: 'The specified bucket does not exist.',
  });
  expect((await storage.bucket('nope').exists())[0]).toBe(false);
  expect((await storage.bucket('b').getMetadata())[0]).toMatchObject({
    location: 'US',
    locationType: 'multi-region',
  });
  google.deny('storage.objects.list', 'storage.objects.get', 'storage.objects.delete');
  expect(await refusal(storage.bucket('b').getFiles())).toMatchObject({
    code: 403,
    reason: 'forbidden',
    message: expect.stringContaining("Permission 'storage.objects.list' denied"),
  });
  const file = storage.bucket('b').file('dir/object one');
  expect(await refusal(file.getMetadata())).toMatchObject({ code: 403 });
  expect(await refusal(file.delete())).toMatchObject({ code: 403 });
  const [granted] = await storage
    .bucket('b')
    .iam.testPermissions(['storage.objects.get', 'storage.objects.create']);
  expect(granted).toEqual({ 'storage.objects.get': false, 'storage.objects.create': true });
});
