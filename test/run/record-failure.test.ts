import { expect, test } from 'bun:test';
import { openLoadedWorld } from '../scenarios/fixture.ts';
import { ledger } from '../scenarios/inspect.ts';

test('a run that fails before it has planned anything says so in the ledger', async () => {
  await using world = await openLoadedWorld();
  await world.database.sql.unsafe('ALTER TABLE target ALTER COLUMN name TYPE int[] USING NULL');
  const { exitCode, text } = await world.run();
  expect(text).toContain('TYPES_DO_NOT_CONVERT');
  expect(exitCode).toBe(1);
  const [, failed] = await ledger(world);
  expect(failed).toMatchObject({ status: 'failed', cleaned: true });
  expect(failed?.['error']).toContain('does not go into');
  expect(failed?.['finished_at']).not.toBeNull();
});
