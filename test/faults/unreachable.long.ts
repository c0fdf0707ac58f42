import { expect, test } from 'bun:test';
import { openWorld } from '../scenarios/fixture.ts';

test.concurrent('a port on which nothing listens is given up after two minutes', async () => {
  await using world = await openWorld();
  const { exitCode, text } = await world.run({ 'pg-conn': 'postgres://u@127.0.0.1:1/db' });
  expect(exitCode).toBe(1);
  expect(text).toContain('UNREACHABLE');
  expect(text).toContain('cannot connect to u@127.0.0.1:1/db');
  expect(text).toContain('--pg-conn');
  expect(world.google.jobs()).toEqual([]);
});

test.concurrent('without a connection to spare, a run says so, and exits 1 after ten minutes', async () => {
  await using world = await openWorld();
  const { sql, name, uri } = world.database;
  await sql.unsafe(`CREATE ROLE limited_${name} LOGIN CONNECTION LIMIT 0`);
  const { exitCode, text } = await world.run({
    'pg-conn': uri.replace('postgres@', `limited_${name}@`),
  });
  expect(exitCode).toBe(1);
  expect(text).toContain('TOO_MANY_CONNECTIONS');
  expect(text).toContain('CONNECTION LIMIT');
  expect(world.google.jobs()).toEqual([]);
  await sql.unsafe(`DROP ROLE limited_${name}`);
});
