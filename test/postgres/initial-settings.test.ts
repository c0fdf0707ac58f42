import { expect, test } from 'bun:test';
import { settingsOfOptions } from '../../src/postgres/startup/initial-settings.ts';

test.each([
  ['', []],
  ['-c work_mem=7MB', [['work_mem', '7MB']]],
  [
    '-cwork_mem=7MB  --search-path=a,b',
    [
      ['work_mem', '7MB'],
      ['search_path', 'a,b'],
    ],
  ],
  ['-c search_path=a,\\ b\\\\c', [['search_path', 'a, b\\c']]],
  ['-c a.b=c=d', [['a.b', 'c=d']]],
])('the options %p are settings', (options, expected) => {
  expect(settingsOfOptions(options)).toEqual(expected as [string, string][]);
});

test.each(['-B 100', '-c', '-c work_mem', 'work_mem=7MB'])(
  'the options %p are more than that',
  (options) => {
    expect(settingsOfOptions(options)).toBeUndefined();
  },
);
