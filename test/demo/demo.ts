/** `bun run demo`: the whole job on this machine, start to end. `--keep` leaves it up. */

import { type DemoFixture, setUp } from './demo-fixture.ts';
import { addDependents, showDependents } from './dependents.ts';
import { listenForInterruption } from './interruption.ts';
import { command, heading, print, remark } from './print.ts';
import { runProgram } from './projector.ts';
import { compareSums, showMemory, showSpeeds, showTarget } from './results.ts';
import { measureSpeeds } from './speed.ts';

async function demo({ sql, google, places, directory }: DemoFixture): Promise<void> {
  heading('A full load of 3 million flights');
  const full = await runProgram('flights', places);

  heading('A full load of nested earthquakes');
  const nested = await runProgram('earthquakes', places);

  heading('A run when nothing is new');
  const idle = await runProgram('flights', places);

  heading('An increment');
  const late = await google.ask('late flights');
  remark(`${late.toLocaleString('en-US')} flights are delivered late to BigQuery.`);
  const increment = await runProgram('flights', places);

  heading('What landed');
  await showTarget(sql);
  await compareSums(sql, google);

  heading('A full load again: an index and a view on the table stay');
  await addDependents(sql);
  const again = await runProgram('flights', places);
  await showDependents(sql);

  heading('How fast, beside a COPY by the server itself');
  remark('The same rows into a table of the same shape, without indexes, by turns:');
  remark('- the load phase of a full load: several streams, over HTTP from the stand-in,');
  remark('  which works on the same processors;');
  remark('- COPY from a binary file that the server wrote itself: one stream, no network.');
  const speeds = await measureSpeeds(sql, places, directory);
  showSpeeds(speeds);
  showMemory([full, nested, idle, increment, again, ...speeds.runs]);
  const objects = await google.ask('objects');
  print(`Objects left in the bucket: ${objects}`);
}

async function keep({ places }: DemoFixture): Promise<void> {
  places.signal.throwIfAborted();
  heading('Left up');
  print(`psql ${places.uri}`);
  const variables = Object.entries(places.env).map(([name, value]) => `export ${name}=${value}`);
  print('To run the program yourself:');
  command(variables.join('\n'));
  print('Ctrl-C stops it all and removes it.');
  await new Promise((ended) => places.signal.addEventListener('abort', ended));
}

function tryNext(): void {
  heading('What to try next');
  print('Leave it up, and look around with psql, or run the program yourself:');
  command('npx -y bun@1.4.5 run demo --keep');
  print('All flags, with an example and the exit codes:');
  command('dist/bq_to_postgres --help');
  print(
    'From an empty Google Cloud project to a sync every fifteen minutes: postgres/instructions.md',
  );
  print('What goes into what, what a full load keeps, every error: postgres/reference.md');
}

async function main(argv: readonly string[]): Promise<number> {
  const unknown = argv.filter((argument) => argument !== '--keep');
  if (unknown.length > 0) throw new Error(`write bun run demo [--keep], not: ${unknown.join(' ')}`);
  const began = performance.now();
  const interruption = listenForInterruption();
  try {
    heading('Setting up');
    await using fixture = await setUp(interruption);
    await demo(fixture);
    const seconds = Math.round((performance.now() - began) / 1000);
    remark(`\nAll of it took ${seconds} s.`);
    if (argv.length > 0) await keep(fixture);
    else tryNext();
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
  }
  remark('Stopped, and nothing is left behind.');
  return interruption.exitCode();
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }),
);
