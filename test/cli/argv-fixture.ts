import { appendFileSync } from 'node:fs';
import { main, type Run } from '../../src/cli/cli.ts';
import { ProjectorError } from '../../src/errors.ts';
import { aSummary } from '../report/summary-fixture.ts';

/**
 * The program with a run that does what DO says, for tests of all that is around a run. It notes
 * what it does in the file NOTES, which is there when nobody reads the output any more.
 */
const note = (text: string) => appendFileSync(process.env['NOTES'] ?? '/dev/null', `${text}\n`);

async function run(...[, { signal, report }]: Parameters<Run>): ReturnType<Run> {
  note('started');
  switch (process.env['DO']) {
    case 'wait':
      await new Promise((_, reject) => {
        // A timer keeps the process alive, as open connections do in a real run.
        const timer = setTimeout(reject, 60_000, new Error('nothing came'));
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          note('cleaning up');
          reject(new Error('the connection was closed'));
        });
      });
      break;
    case 'ignore signals':
      await Bun.sleep(60_000);
      break;
    case 'talk':
      for (let line = 0; line < 2000; line++) report.info(`line ${line}`);
      break;
    case 'be locked out':
      throw new ProjectorError({ code: 'TARGET_BUSY', message: 'another run', exitCode: 3 });
    case 'reject where nothing waits':
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          note('cleaning up');
          reject(new Error('the connection was closed'));
        });
        Promise.reject(new TypeError('a defect, with hunter2! in it'));
        setTimeout(reject, 60_000, new Error('nothing came'));
      });
      break;
    case 'throw at the end':
      queueMicrotask(() => {
        throw new TypeError('a defect');
      });
      break;
    case 'warn':
      for (let i = 0; i < 600; i++) process.emitWarning(`${i} listeners`, 'ListenersWarning');
      await Bun.sleep(10);
      break;
    case 'break':
      throw new TypeError('a defect, with hunter2! in it');
  }
  note('done');
  return aSummary;
}

process.exit(await main({ words: process.argv.slice(2) }, process.env, async () => run));
