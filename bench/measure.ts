import { readdirSync, readFileSync } from 'node:fs';

/** One measured action. */
export interface Figures {
  readonly wallSeconds: number;
  /** User and system time of the client's process; 0 where the server does all. */
  readonly clientCpuSeconds: number;
  /** The same of all processes of the Postgres server. */
  readonly backendCpuSeconds: number;
  /** Largest resident set of the client, in MB. */
  readonly peakMemoryMb: number;
}

/** Kernel ticks of /proc/PID/stat in a second: USER_HZ, which Linux fixes at 100. */
const TICKS = 100;

/** CPU seconds of the postmaster, of its living children, and of those that have ended. */
export function serverCpuSeconds(postmaster: number): number {
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(entry);
    if (stat === undefined) continue;
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = stat.times;
    if (Number(entry) === postmaster) ticks += user + system + endedUser + endedSystem;
    else if (stat.parent === postmaster) ticks += user + system;
  }
  return ticks / TICKS;
}

/** Fields 4 and 14 to 17 of proc(5)'s stat, counted after the name, which may hold spaces. */
function readStat(pid: string): { parent: number; times: number[] } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), times: fields.slice(11, 15).map(Number) };
  } catch {
    return undefined;
  }
}

/**
 * Watches the largest resident set of a process, in MB. The kernel's own sum at the end will not do:
 * it begins with the memory of the process that forked.
 */
function watchMemory(pid: number): { readonly stop: () => number } {
  let peak = 0;
  const look = () => {
    try {
      const text = readFileSync(`/proc/${pid}/status`, 'latin1');
      peak = Math.max(peak, Number(/^VmHWM:\s*(\d+) kB/m.exec(text)?.[1] ?? 0));
    } catch {
      // The process has ended: the last look stands.
    }
  };
  const timer = setInterval(look, 20);
  return {
    stop() {
      clearInterval(timer);
      return (peak * 1024) / 1e6;
    },
  };
}

/** Runs `command` to its end; throws with its output if it fails. */
export async function measureCommand(
  command: readonly string[],
  postmaster: number,
  env: Record<string, string | undefined> = {},
): Promise<Figures & { readonly output: string }> {
  const cpu = serverCpuSeconds(postmaster);
  const began = performance.now();
  const run = Bun.spawn([...command], {
    env: { ...process.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const memory = watchMemory(run.pid);
  const [output, errors, exitCode] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  if (exitCode !== 0) throw new Error(`${command[0]} ended with ${exitCode}: ${output}${errors}`);
  const wallSeconds = (performance.now() - began) / 1000;
  const usage = run.resourceUsage();
  return {
    output,
    wallSeconds,
    clientCpuSeconds: Number(usage?.cpuTime.total ?? 0) / 1e6,
    backendCpuSeconds: serverCpuSeconds(postmaster) - cpu,
    peakMemoryMb: memory.stop(),
  };
}

/** Measures what the server does alone. */
export async function measureServer(
  action: () => Promise<unknown>,
  postmaster: number,
): Promise<Figures> {
  const cpu = serverCpuSeconds(postmaster);
  const began = performance.now();
  await action();
  const wallSeconds = (performance.now() - began) / 1000;
  const backendCpuSeconds = serverCpuSeconds(postmaster) - cpu;
  return { wallSeconds, clientCpuSeconds: 0, backendCpuSeconds, peakMemoryMb: 0 };
}

/** The number in the middle. */
export function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** The run in the middle by wall time. */
export function median<Measured extends Figures>(runs: readonly Measured[]): Measured {
  const sorted = [...runs].sort((a, b) => a.wallSeconds - b.wallSeconds);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}
