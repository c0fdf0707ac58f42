import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A Debian 12 that was booted with its own systemd, on the network of the test. */
export interface Machine extends AsyncDisposable {
  /** The process id of its systemd. */
  readonly leader: number;
  /** Runs a command as root, and gives what it printed. */
  readonly run: (
    command: string,
  ) => Promise<{ readonly exitCode: number; readonly output: string }>;
}

/** The folder of a fresh Debian 12, made by debootstrap in about half a minute. Needs root. */
export function makeDebian(folder: string): string {
  const root = join(folder, 'debian');
  const packages = '--include=systemd,systemd-sysv,dbus,sudo';
  command(['debootstrap', '--variant=minbase', packages, 'bookworm', root]);
  return root;
}

/**
 * Stands in for Debian's package manager, which cannot reach Google's packages from a test: it is
 * only asked for the Ops Agent, and makes a unit of that name.
 */
const APT_GET = `#!/bin/sh
case "$1 $*" in
  update*SourceList=sources.list.d/google-cloud-ops-agent.list*SourceParts=-*) test -s /etc/apt/sources.list.d/google-cloud-ops-agent.list ;;
  install*google-cloud-ops-agent)
    mkdir -p /etc/google-cloud-ops-agent
    printf '[Service]\\nType=oneshot\\nExecStart=/bin/true\\n' >/etc/systemd/system/google-cloud-ops-agent.service
    systemctl daemon-reload ;;
  *) exit 100 ;;
esac
`;

/** Boots `root`; `environment` is what each of its services has. */
export async function bootMachine(
  root: string,
  environment: Readonly<Record<string, string>>,
): Promise<Machine> {
  rmSync(join(root, 'etc/machine-id'), { force: true });
  writeFileSync(join(root, 'etc/hosts'), `127.0.0.1 localhost ${hostname()}\n`);
  writeFileSync(join(root, 'usr/local/sbin/apt-get'), APT_GET, { mode: 0o755 });
  mkdirSync(join(root, 'etc/systemd/system.conf.d'), { recursive: true });
  const settings = Object.entries(environment).map(([name, value]) => `"${name}=${value}"`);
  const manager = `[Manager]\nDefaultEnvironment=${settings.join(' ')}\n`;
  writeFileSync(join(root, 'etc/systemd/system.conf.d/test.conf'), manager);
  const options = ['--quiet', '--boot', '--register=no', '--keep-unit', '--console=pipe'];
  const container = Bun.spawn(['systemd-nspawn', ...options, `--directory=${root}`], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const leader = await firstChild(container.pid);
  const run = (text: string) => enter(leader, environment, text);
  await run(
    'until systemctl is-system-running 2>/dev/null | grep -qE "running|degraded"; do sleep 0.2; done',
  );
  return {
    leader,
    run,
    [Symbol.asyncDispose]: async () => {
      await run('systemctl poweroff --no-wall');
      const late = setTimeout(() => container.kill('SIGKILL'), 20_000);
      await container.exited;
      clearTimeout(late);
    },
  };
}

async function firstChild(pid: number): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    const comm = children[0] ? readFileSync(`/proc/${children[0]}/comm`, 'utf8').trim() : '';
    if (comm === 'systemd') return Number(children[0]);
    await Bun.sleep(50);
  }
  throw new Error('the machine did not boot');
}

async function enter(leader: number, environment: Readonly<Record<string, string>>, text: string) {
  const entering = [
    'nsenter',
    `--target=${leader}`,
    '--mount',
    '--pid',
    '--uts',
    '--ipc',
    '--cgroup',
  ];
  const child = Bun.spawn([...entering, '/bin/sh', '-c', `exec 2>&1; ${text}`], {
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...environment },
    stdout: 'pipe',
  });
  const output = await new Response(child.stdout).text();
  return { exitCode: await child.exited, output };
}

/** Runs a command to its end; throws with what it said if it fails. */
export function command(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string {
  const env = { ...process.env, ...environment };
  const run = Bun.spawnSync([...words], { env, stdout: 'pipe', stderr: 'pipe' });
  if (!run.success) throw new Error(`${words.join(' ')}: ${run.stderr}${run.stdout}`);
  return run.stdout.toString();
}

/** As `command`, while this process goes on serving. */
export async function commandBeside(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { ...process.env, ...environment };
  const run = Bun.spawn([...words], { env, stdout: 'pipe', stderr: 'pipe' });
  const [out, error] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
  ]);
  if ((await run.exited) !== 0) throw new Error(`${words.join(' ')}: ${error}${out}`);
  return out;
}
