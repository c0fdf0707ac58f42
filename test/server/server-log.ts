import type { ChildProcess } from 'node:child_process';
import { runAsSuperuser, type ServerAddress } from './database.ts';

/** What a server that is ready has told. */
export interface ServerLog {
  readonly pid: number;
  /** What has come so far of its log (the last 64 KiB). */
  read(): string;
}

/** In the log of a primary, and of a standby. */
const READY = /ready to accept (?:read-only )?connections/;

/** Resolves once the server takes connections; rejects with its log if it does not start. */
export function whenReady(supervisor: ChildProcess): Promise<ServerLog> {
  let text = '';
  let pid = 0;
  let isReady = false;
  return new Promise((resolve, reject) => {
    supervisor.stdout?.on('data', (chunk) => {
      pid = Number(String(chunk));
    });
    supervisor.stderr?.on('data', (chunk) => {
      text = (text + chunk).slice(-65_536);
      if (isReady || !READY.test(text)) return;
      isReady = true;
      resolve({ pid, read: () => text });
    });
    // The shell has closed its own end: the end of this stream is the end of the server. One that has
    // been ready keeps its directory, where another server may take its place.
    supervisor.stderr?.on('end', () => {
      if (isReady) return;
      supervisor.stdin?.end();
      reject(new Error(`PostgreSQL did not start:\n${text}`));
    });
    supervisor.on('error', reject);
    for (const part of [supervisor, supervisor.stdin, supervisor.stdout, supervisor.stderr]) {
      if (part !== null && 'unref' in part && typeof part.unref === 'function') part.unref();
    }
  });
}

/** The log comes by a pipe, later than the answer to a client: what it has now ends with a mark of ours. */
export async function readUntilNow(address: ServerAddress, log: ServerLog): Promise<string> {
  const mark = `read until ${crypto.randomUUID()}`;
  await runAsSuperuser(address, `DO $$ BEGIN RAISE LOG '${mark}'; END $$`);
  while (!log.read().includes(mark)) await Bun.sleep(5);
  return log.read();
}
