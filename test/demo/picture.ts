/**
 * `bun test/demo/picture.ts` records the README's picture: the demo's first runs on a terminal, as a
 * user sees them when they are over.
 */

import { join } from 'node:path';
import { newScreen } from '../report/screen.ts';
import { builtProgram } from '../tools/built-program.ts';
import { setUp } from './demo-fixture.ts';
import { listenForInterruption } from './interruption.ts';
import { commandText, flagsOf, type Places } from './projector.ts';
import { terminalPicture } from './terminal-picture.ts';

const COLUMNS = 96;
const ROWS = 40;

/** The command, and the screen that it leaves. */
async function record(table: string, { env, uri }: Places): Promise<readonly string[]> {
  const screen = newScreen(COLUMNS);
  const decoder = new TextDecoder();
  const program = Bun.spawn([await builtProgram(), ...flagsOf(table, uri)], {
    env: { ...env, TERM: 'xterm-256color' },
    terminal: {
      cols: COLUMNS,
      rows: ROWS,
      // The terminal's driver writes a carriage return before each line feed.
      data: (_, bytes) =>
        screen.stream.write(decoder.decode(bytes, { stream: true }).replaceAll('\r', '')),
    },
  });
  if ((await program.exited) !== 0) throw new Error(screen.lines().join('\n'));
  program.terminal?.close();
  return [...commandText(table, uri).split('\n'), ...screen.lines()];
}

await using fixture = await setUp(listenForInterruption());
const full = await record('flights', fixture.places);
const idle = await record('flights', fixture.places);
await fixture.google.ask('late flights');
const increment = await record('flights', fixture.places);
const lines = [...full, '', ...idle, '', ...increment];
const title = 'bq_to_postgres loads 3 million rows, finds nothing new, and adds an increment';
await Bun.write(join(import.meta.dir, 'run.svg'), terminalPicture(title, lines, COLUMNS));
console.log(lines.join('\n'));
