import { expect, test } from 'bun:test';
import { openWorld } from '../scenarios/fixture.ts';

test('a port on which nothing listens is given up after two minutes', async () => {
  await using world = await openWorld();
  const { exitCode, text } = await world.run({ 'pg-conn': 'postgres://u@127.0.0.1:1/db' });
  expect(exitCode).toBe(1);
  expect(text).toContain('UNREACHABLE');
  expect(text).toContain('cannot connect to u@127.0.0.1:1/db');
  expect(text).toContain('--pg-conn');
  expect(world.google.jobs()).toEqual([]);
});
