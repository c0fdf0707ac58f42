import { expect, test } from 'bun:test';
import type { Plan } from '../../src/plan/plan.ts';
import { checkLoaded } from '../../src/run/check-loaded.ts';
import type { Exported } from '../../src/run/export.ts';

test('an object of which nothing was loaded is an error, even if the rows add up', async () => {
  const object = { name: 'prefix/000.avro', generation: '1', size: 10, crc32c: 'AAAAAA==' };
  const exported = { objects: [object], rows: 0, bytes: 10 } as unknown as Exported;
  const noHeader = () => Promise.reject(new Error('not asked for'));
  const checked = checkLoaded({} as Plan, exported, { splits: [], rows: 0 }, noHeader);
  expect(await checked.catch((error) => error)).toMatchObject({
    code: 'OBJECT_NOT_LOADED',
    message: expect.stringContaining('prefix/000.avro'),
  });
});
