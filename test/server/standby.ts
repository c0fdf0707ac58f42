import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Owner } from './kept-folder.ts';

/** A server, as far as a standby needs it. */
export interface Primary {
  readonly port: number;
  readonly socketDirectory: string;
}

/** Makes `data` a copy of a running server's, which will follow that server by streaming replication. */
export async function copyAsStandby(primary: Primary, data: string, owner: Owner): Promise<void> {
  const sql = postgres({
    path: `${primary.socketDirectory}/.s.PGSQL.${primary.port}`,
    user: 'postgres',
    database: 'postgres',
    max: 1,
    fetch_types: false,
  });
  const session = await sql.reserve();
  await session`SELECT pg_backup_start('standby', true)`;
  execFileSync('cp', ['-R', join(primary.socketDirectory, 'data'), data]);
  const [backup] = await session`SELECT labelfile FROM pg_backup_stop(false)`;
  session.release();
  await sql.end();
  writeFileSync(join(data, 'backup_label'), String(backup?.['labelfile']));
  writeFileSync(join(data, 'standby.signal'), '');
  for (const file of ['postmaster.pid', 'postmaster.opts']) rmSync(join(data, file));
  execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, data]);
}

/** The setting by which a standby finds its primary. */
export function primaryConninfo({ port }: Primary): string {
  return `host=127.0.0.1 port=${port} user=postgres`;
}
