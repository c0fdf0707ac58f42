import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Glob } from 'bun';

const root = join(import.meta.dir, '../..');

test('every test that the table of faults in the README names is there', async () => {
  const readme = await Bun.file(join(root, 'README.md')).text();
  const table = /<!-- faults -->([\s\S]*)<!-- \/faults -->/.exec(readme)?.[1] ?? '';
  const rows = table.split('\n').filter((line) => /^\| (?!fault|-)/.test(line));
  expect(rows.length).toBeGreaterThan(10);
  const texts = [...new Glob('test/**/*.{test,long}.ts').scanSync({ cwd: root })].map((path) =>
    Bun.file(join(root, path)).text(),
  );
  const tests = (await Promise.all(texts)).join('\n');
  for (const row of rows) {
    const name = row.split('|').at(-2)?.trim() ?? '';
    expect([name, name !== '' && tests.includes(name)]).toEqual([name, true]);
  }
});
