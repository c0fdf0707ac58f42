import { join } from 'node:path';
import { Glob } from 'bun';

/** Minutes that one long suite may take before it is taken for hung. */
const LIMIT_MINUTES = 30;

/**
 * Runs every long suite (`*.long.ts`), one after the other: they measure, fill disks and start many
 * servers, and would disturb each other. Arguments choose suites by a part of their path.
 */
const wanted = process.argv.slice(2);
const root = join(import.meta.dir, '../..');
const suites = [...new Glob('test/**/*.long.ts').scanSync({ cwd: root })]
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort();

const failed: string[] = [];
for (const suite of suites) {
  console.log(`\n== ${suite}`);
  const timeout = String(LIMIT_MINUTES * 60_000);
  const command = [process.execPath, 'test', '--timeout', timeout, `./${suite}`];
  const run = Bun.spawn(command, { cwd: root, stdout: 'inherit', stderr: 'inherit' });
  if ((await run.exited) !== 0) failed.push(suite);
}

if (suites.length === 0) console.error(`no long suite has ${wanted.join(' or ')} in its path`);
if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`);
process.exit(failed.length > 0 || suites.length === 0 ? 1 : 0);
