import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { EXIT_CODES } from '../src/errors.ts';
import { freshReadme } from './tools/readme.ts';

const readme = await Bun.file(join(import.meta.dir, '../README.md')).text();

test('the type table of the README is what the code says (bun test/tools/readme.ts writes it)', async () => {
  expect(readme).toBe(await freshReadme());
});

test('the README lists every exit code', () => {
  for (const code of Object.keys(EXIT_CODES))
    expect(readme).toMatch(new RegExp(`\\|[^|]*\\b${code}\\b`));
});

test('every file that the README links to is there', async () => {
  const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map((match) => match[1] ?? '');
  for (const link of links) {
    expect([link, await Bun.file(join(import.meta.dir, '..', link)).exists()]).toEqual([
      link,
      true,
    ]);
  }
});
