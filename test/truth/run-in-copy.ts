import postgres from 'postgres';
import type { Flags, Outcome, World } from '../scenarios/fixture.ts';
import { runAsSuperuser, type TestDatabase } from '../server/database.ts';
import type { TestServer } from '../server/server.ts';
import { afterRun, type State } from './model.ts';
import { differences, matching, observe } from './observe.ts';

/** The original, and the flags of a run in it. */
export interface Original {
  readonly world: World;
  readonly server: TestServer;
  readonly database: TestDatabase;
  readonly flags: Required<Pick<Flags, 'bq-table' | 'pg-table' | 'gcs-bucket'>>;
  readonly states: readonly State[];
}

/**
 * Copies the database and runs in the copy. Throws where that run ends well and the copy does not hold
 * what the model says, or where it has taken away what the original has under way.
 */
export async function runInCopy(original: Original): Promise<Outcome> {
  const { world, server, database, flags, states } = original;
  const { google } = world;
  const objects = () => google.objects(flags['gcs-bucket']).map(({ name }) => name);
  const { name } = database;
  const copy = `${name}_copy`;
  const before = objects();
  await runAsSuperuser(
    server,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  await runAsSuperuser(server, `CREATE DATABASE ${copy} TEMPLATE ${name}`);
  const uri = database.uri.replace(name, copy);
  const sql = postgres(uri, { max: 1, fetch_types: false, onnotice: () => undefined });
  try {
    const outcome = await world.run({ ...flags, 'pg-conn': uri });
    const after = new Set(objects());
    const gone = before.filter((object) => !after.has(object));
    if (gone.length > 0) throw new Error(`the run in a copy removed ${gone.join(', ')}`);
    if (outcome.exitCode === 0) expectAllowed(states, await observe(sql), outcome);
    return outcome;
  } finally {
    await sql.end();
    await runAsSuperuser(server, `DROP DATABASE ${copy} WITH (FORCE)`);
  }
}

/** In a copy, no table is known to have been put in the place of another. */
function expectAllowed(
  states: readonly State[],
  seen: Awaited<ReturnType<typeof observe>>,
  { text }: Outcome,
): void {
  const allowed = states.flatMap((state) => afterRun({ ...state, replaced: false }, 'own'));
  if (matching(allowed, seen).length > 0) return;
  const expected = differences(allowed, seen).join('\n');
  throw new Error(`the copy does not hold one of\n${expected}\n${text}`);
}
