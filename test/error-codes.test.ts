import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '../src/error-codes.ts';

const root = join(import.meta.dir, '..');
const sources = [...new Bun.Glob('src/**/*.ts').scanSync(root)]
  .filter((path) => path !== 'src/error-codes.ts')
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

describe('the table of error codes', () => {
  test.each(Object.entries(ERROR_CODES))('%s is used, and explained', (code, [meaning, remedy]) => {
    expect(sources).toContain(`'${code}'`);
    for (const text of [meaning, remedy]) expect(text).toMatch(/^[\w`].{8,}\.$/);
  });

  test('it is in alphabetical order', () => {
    const codes = Object.keys(ERROR_CODES);
    expect(codes).toEqual(codes.toSorted());
  });
});
