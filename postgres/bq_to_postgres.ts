import { main, type Run } from '../src/cli.ts';
import { hideConnectionArgument } from '../src/hide-argument.ts';

const argv = process.argv.slice(2);
hideConnectionArgument();
process.exit(await main(argv, process.env, loadRun));

async function loadRun(): Promise<Run> {
  return await Promise.reject(new Error('src/run.ts is not there yet'));
}
