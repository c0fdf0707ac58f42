import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FLAG_NAMES } from '../src/cli/flags.ts';

const ROOT = join(import.meta.dir, '..');
const readme = await Bun.file(join(ROOT, 'README.md')).text();

test('the README can be read at one sitting', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(130);
});

test('the README has every flag, and no other', () => {
  const named = [...readme.matchAll(/--((?:bq|pg|gcs)-[a-z]+)/g)].map(([, name]) => name);
  expect(new Set(named)).toEqual(new Set(FLAG_NAMES));
});

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'postgres/reference.md',
  'postgres/instructions.md',
])('every file and heading that %s links to is there', async (name) => {
  const path = join(ROOT, name);
  const text = await Bun.file(path).text();
  const broken: string[] = [];
  for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : join(path, '..', file);
    const found = existsSync(target) && (anchor === undefined || anchorsOf(target).has(anchor));
    if (!found) broken.push(link);
  }
  expect(broken).toEqual([]);
});

/** The anchors that headings have on pages of Markdown. */
function anchorsOf(path: string): ReadonlySet<string> {
  const text = readFileSync(path, 'utf8');
  const titles = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase());
  return new Set(titles.map((title) => title.replace(/[^\w\- ]/g, '').replaceAll(' ', '-')));
}
