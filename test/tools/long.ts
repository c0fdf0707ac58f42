import { join } from 'node:path';
import { Glob } from 'bun';

/** Minutes that one long suite may take before it is taken for hung. */
const LIMIT_MINUTES = 30;

/** Suites that wait out the program's patience, and need a machine for little else. */
const WAITING = ['cut-again', 'unreachable'];

/**
 * Runs every long suite (`*.long.ts`), one after the other: they measure, fill disks and start many
 * servers, and would disturb each other. Those that only wait run beside the others. Arguments choose
 * suites by a part of their path.
 */
const wanted = process.argv.slice(2);
const root = join(import.meta.dir, '../..');
const suites = [...new Glob('test/**/*.long.ts').scanSync({ cwd: root })]
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort();

const failed: string[] = [];

/** Runs a suite to its end; its output comes whole, so that no two of them mix. */
async function runSuite(suite: string): Promise<void> {
  const timeout = String(LIMIT_MINUTES * 60_000);
  const command = [process.execPath, 'test', '--timeout', timeout, `./${suite}`];
  const run = Bun.spawn(command, { cwd: root, stdout: 'pipe', stderr: 'pipe' });
  const texts = [new Response(run.stdout).text(), new Response(run.stderr).text()];
  const output = (await Promise.all(texts)).join('');
  console.log(`\n== ${suite}\n${output}`);
  if ((await run.exited) !== 0) failed.push(suite);
}

async function runInTurn(inTurn: readonly string[]): Promise<void> {
  for (const suite of inTurn) await runSuite(suite);
}

const isWaiting = (suite: string) => WAITING.some((part) => suite.includes(part));
await Promise.all([
  ...suites.filter(isWaiting).map(runSuite),
  runInTurn(suites.filter((suite) => !isWaiting(suite))),
]);

if (suites.length === 0) console.error(`no long suite has ${wanted.join(' or ')} in its path`);
if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`);
process.exit(failed.length > 0 || suites.length === 0 ? 1 : 0);
