import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPostgres, type TestServer } from '../server/server.ts';

/** A server that can lose its last commits, as a failover to a standby that lags behind does. */
export interface LosingServer extends AsyncDisposable {
  readonly server: TestServer;
  /** Keeps a standby, which has what is committed now, and falls behind from here on. */
  keep(): Promise<void>;
  /** Ends the server as a power cut does; the standby takes its place, at the same address. */
  failOver(): Promise<void>;
}

/** Starts a server whose commits are in its files when they are answered. */
export async function startLosingServer(): Promise<LosingServer> {
  const server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  const [command = '', ...flags] = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')
    .split('\0')
    .slice(0, -1);
  const place = flags.indexOf('-D') + 1;
  const { uid, gid } = statSync(flags[place] ?? '');
  const folder = mkdtempSync(join(tmpdir(), 'bq-to-postgres-standby-'));
  chownSync(folder, uid, gid);
  let primary = { pid: server.pid, data: flags[place] ?? '' };
  let successor: ChildProcess | undefined;
  let kept = '';
  let copies = 0;

  async function keep(): Promise<void> {
    if (kept !== '') rmSync(kept, { recursive: true });
    copies += 1;
    kept = join(folder, `data${copies}`);
    // While nothing moves, the files are what a crash at this instant would leave.
    const processes = [primary.pid, ...childrenOf(primary.pid)];
    for (const pid of processes) signal(pid, 'SIGSTOP');
    try {
      await promisify(execFile)('cp', ['-a', primary.data, kept]);
    } finally {
      for (const pid of processes) signal(pid, 'SIGCONT');
    }
    rmSync(join(kept, 'postmaster.pid'));
  }

  async function failOver(): Promise<void> {
    if (kept === '') throw new Error('keep a standby first');
    const processes = [primary.pid, ...childrenOf(primary.pid)];
    for (const pid of processes) signal(pid, 'SIGKILL');
    while (processes.some(isAlive)) await Bun.sleep(5);
    if (primary.pid !== server.pid) rmSync(primary.data, { recursive: true });
    const data = kept;
    kept = '';
    successor = spawn(command, flags.with(place, data), {
      cwd: folder,
      uid,
      gid,
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await untilReady(successor);
    primary = { pid: successor.pid ?? 0, data };
  }

  return {
    server,
    keep,
    failOver,
    async [Symbol.asyncDispose]() {
      if (successor !== undefined) {
        successor.kill('SIGQUIT');
        while (isAlive(primary.pid)) await Bun.sleep(5);
      }
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

function untilReady(server: ChildProcess): Promise<void> {
  let text = '';
  return new Promise((resolve, reject) => {
    server.stderr?.on('data', (chunk) => {
      text += chunk;
      if (text.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`the standby did not start:\n${text}`)));
  });
}

function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statOf(Number(name))?.parent === parent)
    .map(Number);
}

function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z';
}

/** The fields after the name of the program, which is in brackets and can hold anything (proc(5)). */
function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
