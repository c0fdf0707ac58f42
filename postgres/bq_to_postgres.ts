import { commandWords } from '../src/cli/command-words.ts';

// Before anything else is loaded: it may replace the process, so that no password is among its arguments.
const words = commandWords();
const { main } = await import('../src/cli/cli.ts');
process.exit(await main(words, process.env, async () => (await import('../src/run/run.ts')).run));
