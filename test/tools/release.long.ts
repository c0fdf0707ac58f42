import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import { build } from './build.ts';
import { packagesOf } from './licences.ts';
import { makeRelease } from './release.ts';

/** A release as the workflow makes it: both executables, checksums, licences, the bill of materials. */
setDefaultTimeout(600_000);

const ROOT = join(import.meta.dir, '../..');

let folder: string;
let packages: readonly string[];
beforeAll(async () => {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'dist/release-test-'));
  await makeRelease(join(folder, 'release'));
  const inputs = await build({ target: undefined, outfile: join(folder, 'again') });
  packages = packagesOf(inputs).map((path) => path.replace(/^.*node_modules\//, ''));
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (name: string) => readFileSync(join(folder, 'release', name), 'utf8');

test('both executables are of their architectures, and have checksums', async () => {
  for (const [architecture, machine] of [
    ['x64', 62],
    ['arm64', 183],
  ] as const) {
    const name = `bq_to_postgres-linux-${architecture}`;
    const head = await Bun.file(join(folder, 'release', name))
      .slice(0, 20)
      .arrayBuffer();
    expect(new DataView(head).getUint16(18, true)).toBe(machine);
    const check = $`sha256sum --check --quiet ${name}.sha256`.cwd(join(folder, 'release'));
    expect((await check.nothrow()).exitCode).toBe(0);
  }
});

test('every package that is compiled in has its licence beside the release, and is on the bill', () => {
  expect(packages.length).toBeGreaterThan(50);
  const licences = read('THIRD-PARTY-LICENSES.txt');
  const { components } = JSON.parse(read('bq_to_postgres.cdx.json')) as {
    components: readonly { readonly name: string; readonly group?: string }[];
  };
  const onBill = new Set(components.map(({ group, name }) => (group ? `${group}/${name}` : name)));
  for (const name of packages) {
    expect(licences).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
    expect([name, onBill.has(name)]).toEqual([name, true]);
  }
});

test('the same sources make the same executable in any folder, and nothing of the folder is in it', async () => {
  const places = ['one', 'another/further/down'].map((name) => join(folder, name));
  const sums: string[] = [];
  for (const place of places) {
    mkdirSync(place, { recursive: true });
    for (const name of ['src', 'postgres', 'test/tools', 'test/plan', 'package.json'])
      cpSync(join(ROOT, name), join(place, name), { recursive: true });
    await $`cp -al ${join(ROOT, 'node_modules')} ${place}`;
    await $`git init -q`.cwd(place);
    await $`${process.execPath} test/tools/build.ts`.cwd(place).quiet();
    const bytes = await Bun.file(join(place, 'dist/bq_to_postgres')).bytes();
    expect(Buffer.from(bytes).includes(folder)).toBe(false);
    sums.push(new Bun.CryptoHasher('sha256').update(bytes).digest('hex'));
  }
  expect(sums[0]).toBe(sums[1] ?? '');
});
