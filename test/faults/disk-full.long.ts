import { expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFolder } from '../server/folder.ts';
import { openScene } from './fault-fixture.ts';

/** A small file system in memory, which only root may mount, as a tablespace of its own. */
test('a disk that is full ends the run with DISK_FULL, and the old table is as it was', async () => {
  using folder = createFolder();
  chmodSync(folder.path, 0o755);
  const place = join(folder.path, 'space');
  mkdirSync(place);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', place]);
  const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
  chownSync(place, nobody, nobody);
  try {
    await using scene = await openScene(100);
    const { sql, name } = scene.world.database;
    await sql.unsafe(`CREATE TABLESPACE full_${name} LOCATION '${place}'`);
    await sql.unsafe(`ALTER DATABASE ${name} SET default_tablespace = full_${name}`);
    await scene.recover();
    await sql`UPDATE sync_state SET last_synced_at = NULL`;
    await scene.addRows(200_000);
    const { exitCode, text } = await scene.start().outcome;
    expect({ exitCode, code: /"code":"(\w+)"/.exec(text)?.[1] }).toEqual({
      exitCode: 1,
      code: 'DISK_FULL',
    });
    expect((await sql`SELECT count(*) AS n FROM target`)[0]?.['n']).toBe('100');
    await sql.unsafe(`ALTER DATABASE ${name} RESET default_tablespace`);
    await sql.unsafe('ALTER TABLE target SET TABLESPACE pg_default');
    await scene.recover();
    for (const kind of ['TABLE', 'INDEX']) {
      await sql.unsafe(`ALTER ${kind} ALL IN TABLESPACE full_${name} SET TABLESPACE pg_default`);
    }
    await sql.unsafe(`DROP TABLESPACE full_${name}`);
  } finally {
    execFileSync('umount', ['-l', place]);
  }
});
