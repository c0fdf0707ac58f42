import type postgres from 'postgres';
import { type Change, NOTHING, type Row, type State } from './model.ts';
import { someTime, type UserSource } from './user-source.ts';
import type { Action } from './user-steps.ts';

/** What somebody has in their hands. */
export interface User {
  readonly sql: postgres.Sql;
  readonly own: UserSource;
}

/** What somebody has done: nothing where PostgreSQL would not let them. */
export interface Done {
  readonly change: Change;
  /** A run that is under way may fail after its rows are visible: it is robbed of what it knows. */
  readonly robs: boolean;
}

/** Does it, unless it would wait for the locks of a run. */
export async function act(user: User, action: Action, which: number): Promise<Done> {
  const { sql, own } = user;
  const source = async (done: Promise<unknown>, isRebuilt = false) => {
    await done;
    const shown = own.shown;
    const anew = isRebuilt ? { exported: [] } : {};
    const filled = (state: State) => ({ ...withRows(shown)(state), ...anew });
    return { change: steps(...(isRebuilt ? [withRows([])] : []), filled), robs: false };
  };
  const change = (statement: string, step: Step, robs = false) =>
    tried(sql, statement).then((done) => (done ? { change: steps(step), robs } : NOT_DONE));
  const isDropped = which % 4 === 0;
  const empty = isDropped ? 'DROP TABLE' : 'TRUNCATE';
  switch (action) {
    case 'add rows':
      return await source(own.addRows(1 + which));
    case 'add late rows':
      return await source(own.addLateRows(1 + (which % 3)));
    case 'add rows of old keys':
      return await source(own.addRows(3, 2));
    case 'add a row without a time':
      return await source(own.addRowWithoutTime());
    case 'correct a row':
      return await source(own.correct(which));
    case 'remove a row':
      return await source(own.remove(which));
    case 'write all rows again':
      return await source(own.rewrite());
    case 'rebuild the source':
      return await source(own.rebuild(which % 4), true);
    case 'add a column':
      return own.isTable ? await source(own.addColumn()) : NOT_DONE;
    case 'rename a column':
      return await source(own.renameColumn(), true);
    case 'widen a column':
      return await source(own.widen(), true);
    case 'set the watermark to NULL':
      return await change('UPDATE STATE SET last_synced_at = NULL', setLow(undefined));
    case 'delete the watermark':
      return isDropped
        ? await change('DROP TABLE STATE', setLow(undefined), true)
        : await change('DELETE FROM STATE', setLow(undefined));
    case 'set the watermark back': {
      const time = someTime(own.shown, which);
      const value = `timestamp 'epoch' + ${time} * interval '1 microsecond'`;
      return await change(`UPDATE STATE SET last_synced_at = ${value}`, setLow(time));
    }
    case 'truncate sync_runs':
      return await change(`${empty} RUNS`, forget, true);
    case 'truncate sync_splits':
      return await change(`${empty} SPLITS`, (state) => state, true);
    case 'truncate both':
      return await change(`${empty} RUNS, SPLITS`, forget, true);
    case 'delete a mark':
      return await change(
        'DELETE FROM SPLITS WHERE split = (SELECT min(split) FROM SPLITS)',
        (state) => state,
        true,
      );
    case 'delete committed runs':
      return await change("DELETE FROM RUNS WHERE status = 'committed'", forget, true);
    case 'alter a type':
      return await change(TYPES[which % TYPES.length] ?? '', (state) => state);
    case 'drop and create the target':
      return await change(
        `DROP TABLE IF EXISTS public.target; CREATE TABLE public.target (id bigint, name text, code text, max_ingested_at timestamptz)`,
        replace([]),
      );
    case 'rename the target':
      return await change(
        `ALTER TABLE public.target RENAME TO former_${which}`,
        replace(undefined),
      );
    case 'drop the target':
      return await change('DROP TABLE public.target', replace(undefined));
    case 'copy the target':
      return await change(
        `CREATE TABLE public.copied AS TABLE public.target; DROP TABLE public.target; ALTER TABLE public.copied RENAME TO target`,
        (state) => replace(state.target)(state),
      );
    case 'add a column to the target':
      return await change(
        `ALTER TABLE public.target ADD COLUMN ${which % 2 === 0 ? 'extra4' : `note${which}`} bigint`,
        (state) => state,
      );
    case 'add a key':
      return await change('ALTER TABLE public.target ADD PRIMARY KEY (id)', keyed(true));
    case 'drop the key':
      return await change('ALTER TABLE public.target DROP CONSTRAINT target_pkey', keyed(false));
  }
}

const NOT_DONE: Done = { change: [], robs: false };

const TYPES = [
  'ALTER TABLE public.target ALTER id TYPE numeric',
  'ALTER TABLE public.target ALTER id TYPE bigint',
  "ALTER TABLE public.target ALTER max_ingested_at TYPE timestamp USING max_ingested_at AT TIME ZONE 'UTC'",
  "ALTER TABLE public.target ALTER max_ingested_at TYPE timestamptz USING max_ingested_at AT TIME ZONE 'UTC'",
  'ALTER TABLE public.target ALTER code TYPE text',
];

/** A step that can lead to one state only. */
type Step = (state: State) => State;

function steps(...certain: readonly Step[]): Change {
  return certain.map((step) => (state) => [step(state)]);
}

function withRows(rows: readonly Row[]): Step {
  return (state) => ({ ...state, sources: { ...state.sources, own: rows } });
}

function setLow(low: number | undefined): Step {
  return (state) => ({ ...state, low, shown: low });
}

/** What nobody can know any more: whose the rows are, what had arrived beyond the watermark. */
function forget(state: State): State {
  const { of, replaced, exported } = NOTHING;
  return { ...state, low: state.shown, of, replaced, exported };
}

function replace(target: State['target']): Step {
  return (state) => ({ ...state, target, keyed: false, replaced: state.of !== undefined });
}

function keyed(isKeyed: boolean): Step {
  return (state) => ({ ...state, keyed: isKeyed });
}

function programTable(word: string) {
  return `sync_${word.toLowerCase()}` as Parameters<typeof schemasOf>[1];
}

/** Whether PostgreSQL did it, and something changed; not where it would wait for a run. */
async function tried(sql: postgres.Sql, statement: string): Promise<boolean> {
  const ofProgram = /\b(STATE|RUNS|SPLITS)\b/g;
  const [table] = ofProgram.exec(statement) ?? [];
  const schemas = table === undefined ? [''] : await schemasOf(sql, programTable(table));
  const results = schemas.map(async (schema) => {
    const named = statement.replaceAll(ofProgram, (word) => `${schema}.${programTable(word)}`);
    const { count } = await sql.begin(async (transaction) => {
      await transaction.unsafe("SET LOCAL lock_timeout = '300ms'");
      return await transaction.unsafe(named);
    });
    return !/^(UPDATE|DELETE)/.test(named) || count > 0;
  });
  return (await Promise.all(results.map((result) => result.catch(() => false)))).includes(true);
}

/** The schemas that have this table of the program. */
export async function schemasOf(
  sql: postgres.Sql,
  table: 'sync_state' | 'sync_runs' | 'sync_splits',
): Promise<readonly string[]> {
  const rows = await sql<{ schema: string }[]>`SELECT n.nspname AS schema FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = ${table}`;
  return rows.map(({ schema }) => schema);
}
