import { main } from '../src/cli/cli.ts';
import { hideConnectionArgument } from '../src/cli/hide-argument.ts';

const argv = process.argv.slice(2);
hideConnectionArgument();
process.exit(await main(argv, process.env, async () => (await import('../src/run/run.ts')).run));
