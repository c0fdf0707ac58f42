import type postgres from 'postgres';
import { NOTHING, type Row, type State } from './model.ts';
import { schemasOf } from './user-actions.ts';

/** What there is to be seen of a target. */
export interface Observed {
  /** Each row as one text, in order; undefined: there is no target. */
  readonly rows: readonly string[] | undefined;
  /** The values of its watermarks: one, or none where there is no row. */
  readonly watermarks: readonly (number | undefined)[];
}

/** Reads the target and its watermark, in every schema that has state tables. */
export async function observe(sql: postgres.Sql): Promise<Observed> {
  const columns = await sql<{ name: string }[]>`SELECT attname AS name FROM pg_attribute
    WHERE attrelid = to_regclass('public.target') AND attnum > 0 AND NOT attisdropped`;
  const rows =
    columns.length === 0
      ? undefined
      : await readRows(
          sql,
          columns.map(({ name }) => name),
        );
  const watermarks: (number | undefined)[] = [];
  for (const schema of await schemasOf(sql, 'sync_state')) {
    const found = await sql.unsafe<{ at: string | null }[]>(
      `SELECT ${micros('last_synced_at')} AS at FROM ${schema}.sync_state`,
    );
    watermarks.push(...found.map(({ at }) => (at === null ? undefined : Number(at))));
  }
  return { rows, watermarks };
}

async function readRows(sql: postgres.Sql, columns: readonly string[]): Promise<readonly string[]> {
  const values = columns.map((name) =>
    name === 'max_ingested_at' ? `${micros(name)} AS ${name}` : `${name}::text`,
  );
  const rows = await sql.unsafe<Row[]>(`SELECT ${values.join(', ')} FROM public.target`);
  return textsOf(rows);
}

function micros(expression: string): string {
  return `(extract(epoch FROM ${expression}) * 1000000)::bigint::text`;
}

/** The rows as texts, in order; a column that is NULL is as good as none. */
export function textsOf(rows: readonly Row[]): readonly string[] {
  return rows
    .map((row) => {
      const filled = Object.entries(row).filter(([, value]) => value !== null);
      return filled
        .map(([name, value]) => `${name}=${value}`)
        .sort()
        .join(' ');
    })
    .sort();
}

/** The states that look like what was observed, each once. */
export function matching(states: readonly State[], observed: Observed): readonly State[] {
  const rows = JSON.stringify(observed.rows);
  const fitting = states.filter(
    (state) =>
      JSON.stringify(state.target && textsOf(state.target)) === rows && fits(state, observed),
  );
  return [...new Map(fitting.map((state) => [JSON.stringify(state), state])).values()];
}

/** Where somebody has made two watermarks for one target, the program says so itself. */
function fits({ shown }: State, { watermarks }: Observed): boolean {
  if (watermarks.length > 1) return true;
  return watermarks[0] === shown;
}

/** How what was observed differs from each state, in a few words. */
export function differences(states: readonly State[], observed: Observed): readonly string[] {
  return [...new Set(states.map((state) => differenceOf(state, observed)))].slice(0, 6);
}

const SHOWN = 4;

function differenceOf({ target, shown }: State, { rows, watermarks }: Observed): string {
  const [wanted, found] = [(target && textsOf(target)) ?? [], rows ?? []];
  const without = (some: readonly string[], others: readonly string[]) => {
    const left = [...others];
    return some.filter((text) => {
      const at = left.indexOf(text);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  const [missing, extra] = [without(wanted, found), without(found, wanted)];
  const first = (texts: readonly string[]) =>
    `${texts.length} (${texts.slice(0, SHOWN).join('; ')})`;
  const table = target === undefined ? 'no table' : `${wanted.length} rows`;
  return `${table}, watermark ${shown}: missing ${first(missing)}, not expected ${first(extra)}, found ${rows === undefined ? 'no table' : ''} watermarks [${watermarks}]`;
}

/** Before anything was done. */
export function beginning(own: readonly Row[], other: readonly Row[]): State {
  return { ...NOTHING, sources: { own, other } };
}
