import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Glob } from 'bun';

const root = join(import.meta.dir, '../..');

test.each([
  ['postgres/reference.md', 'faults'],
  ['CONTRIBUTING.md', 'patch'],
])('every test that %s names in its table of %s is there', async (document, name) => {
  const text = await Bun.file(join(root, document)).text();
  const [, table = ''] = text.split(new RegExp(`<!-- /?${name} -->`));
  const [, , ...rows] = table.trim().split('\n');
  expect(rows.length).toBeGreaterThan(10);
  const files = [...new Glob('test/**/*.{test,long}.ts').scanSync({ cwd: root })];
  const texts = await Promise.all(files.map((path) => Bun.file(join(root, path)).text()));
  const tests = texts.join('\n');
  const named = rows.map((row) => row.split('|').at(-2)?.trim() ?? '');
  expect(named.filter((each) => each === '' || !tests.includes(each))).toEqual([]);
});
