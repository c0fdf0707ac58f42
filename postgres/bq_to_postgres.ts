import { main } from '../src/cli.ts';
import { hideConnectionArgument } from '../src/hide-argument.ts';

const argv = process.argv.slice(2);
hideConnectionArgument();
process.exit(await main(argv, process.env, async () => (await import('../src/run.ts')).run));
