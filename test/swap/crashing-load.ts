/**
 * A full load in a process of its own, which says each point that it comes to, and stops for good at
 * the one that its second argument counts to: there it is killed. Run by crash.ts.
 */
import { quoteTable } from '../../src/postgres/quoting.ts';
import { finishStaging } from '../../src/swap/build/finish-staging.ts';
import { swap } from '../../src/swap/swap.ts';
import { STAGING, TARGET } from './objects-fixture.ts';
import { dependentsOf } from './read-dependents.ts';
import { connectAs, fillStaging, LOADER } from './swap-fixture.ts';

const [uri = '', stopAt = '', rows = ''] = process.argv.slice(2);
let points = 0;

async function point(what: string): Promise<void> {
  points += 1;
  if (points < Number(stopAt)) return;
  console.log(`stopped before: ${what.split('\n', 1)[0]}`);
  await new Promise(() => setInterval(() => undefined, 1000));
}

const sql = connectAs(uri, LOADER);
const load = { target: TARGET, staging: STAGING, rows };
// What a run does with what a killed one has left.
await sql.unsafe(`DROP TABLE IF EXISTS ${quoteTable(STAGING)}`);
const dependents = await dependentsOf(sql, TARGET);
await point('making staging');
await fillStaging(sql, load, dependents);
await point('finishing staging');
await finishStaging(sql, { target: TARGET, staging: STAGING, dependents }, () => undefined);
await sql.begin(async (transaction) => {
  const plan = { target: TARGET, staging: STAGING, dependents, added: [] };
  await swap(transaction, plan, { onStep: point });
  await point('COMMIT');
});
await point('the end');
await sql.end();
