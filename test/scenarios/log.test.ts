import { expect, test } from 'bun:test';
import { version } from '../../package.json';
import { openLoadedWorld, openWorld } from './fixture.ts';
import { ledger } from './inspect.ts';

test('every line of the log tells version, source, target and run', async () => {
  await using world = await openWorld();
  const { lines, exitCode } = await world.run({ 'pg-table': 'Target' });
  const [run] = await ledger(world);
  const facts = { version, source: 'source.rows', target: 'public.target', runId: run?.['run_id'] };
  expect(exitCode).toBe(0);
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(line).toMatchObject(facts);
  expect(lines.at(-1)).toMatchObject({ cost: expect.stringMatching(/^BigQuery billed /) });
});

test('so does an error', async () => {
  await using world = await openWorld();
  const { lines } = await world.run({ 'bq-table': 'missing' });
  const facts = { version, source: 'source.missing', target: 'public.target' };
  expect(lines).toMatchObject([{ ...facts, severity: 'ERROR', runId: expect.any(String) }]);
});

test('600 columns that BigQuery lacks are one warning, and no line is long', async () => {
  await using world = await openLoadedWorld();
  const columns = Array.from(
    { length: 600 },
    (_, i) => `ADD "a column of our own, number ${i}" text`,
  );
  await world.database.sql.unsafe(`ALTER TABLE target ${columns.join(', ')}`);
  const { lines, text } = await world.run();
  const warnings = lines.filter(({ severity }) => severity === 'WARNING');
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^columns a column .* and 590 more of the target are not in BigQuery/),
  ]);
  for (const line of text.split('\n')) expect(Buffer.byteLength(line)).toBeLessThan(32_768);
});
