import { expect, test } from 'bun:test';
import { openLoadedWorld } from './fixture.ts';

/** Who waits for a lock of which table, and what has to be so for that. */
const WAITS = [
  {
    who: 'an increment',
    setUp: 'ALTER TABLE target ADD PRIMARY KEY (id)',
    statement: 'LOCK TABLE target IN SHARE MODE',
  },
  {
    who: 'a full load',
    setUp: 'UPDATE sync_state SET last_synced_at = NULL',
    statement: 'UPDATE target SET id = id',
  },
  {
    who: 'a new column',
    setUp: 'ALTER TABLE target DROP COLUMN name',
    statement: 'UPDATE target SET id = id',
  },
  {
    who: 'a foreign key',
    setUp: `CREATE TABLE parent (id bigint PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
     ALTER TABLE target ADD FOREIGN KEY (id) REFERENCES parent;
     UPDATE sync_state SET last_synced_at = NULL`,
    statement: 'UPDATE parent SET id = id',
  },
];

for (const { who, setUp, statement } of WAITS) {
  test.concurrent(`${who} that waits for a lock says for whose`, async () => {
    await using world = await openLoadedWorld();
    await world.database.sql.unsafe(setUp);
    const holder = await world.database.sql.reserve();
    await holder.unsafe(`BEGIN; ${statement}`);
    const run = world.start();
    await run.logged('waiting for a lock of session ');
    await holder.unsafe('ROLLBACK');
    holder.release();
    const { exitCode, text } = await run.outcome;
    expect({ exitCode, text }).toEqual({ exitCode: 0, text });
    expect(text).toContain(statement);
    expect(text).toContain('SELECT pg_terminate_backend(');
  });
}
