import { DuckDBBlobValue, DuckDBListValue } from '@duckdb/node-api';
import type { Google } from '../gcp/google.ts';
import type { Value } from './value-proto.ts';
import type { ZetaSql } from './zetasql.ts';

/** What an expression answers for one literal: a value, or that it fails. */
export type Outcome = { readonly value: Value } | { readonly refused: string };

/**
 * The outcomes of `expression`, which names its value `x`, for each of `literals` (GoogleSQL
 * expressions of one type).
 */
export type Evaluate = (expression: string, literals: readonly string[]) => Promise<Outcome[]>;

/** By Google's own evaluator. */
export function byZetaSql(zetaSql: ZetaSql): Evaluate {
  return evaluateBy(async (sql) => zetaSql.query(sql).map(([value = null]) => value));
}

/** By the tests' stand-in for BigQuery. */
export function byStandIn(google: Google): Evaluate {
  return evaluateBy(async (sql) => (await google.sql(sql)).map(({ v }) => plain(v)));
}

/** All literals by one query; one by one where that fails. */
function evaluateBy(run: (sql: string) => Promise<Value[]>): Evaluate {
  return async (expression, literals) => {
    const sql = (some: readonly string[]) =>
      `SELECT ${expression} AS v FROM (${some
        .map((literal, at) => `SELECT ${literal} AS x, ${at} AS at_`)
        .join(' UNION ALL ')}) ORDER BY at_`;
    try {
      return (await run(sql(literals))).map((value) => ({ value }));
    } catch {
      const one = async (literal: string): Promise<Outcome> => {
        try {
          const [value = null] = await run(sql([literal]));
          return { value };
        } catch (error) {
          return { refused: String(error) };
        }
      };
      const outcomes: Outcome[] = [];
      for (const literal of literals) outcomes.push(await one(literal));
      return outcomes;
    }
  };
}

/** A value as DuckDB's client hands it out, as ZetaSQL's does. */
function plain(value: unknown): Value {
  if (value instanceof DuckDBBlobValue) return Uint8Array.from(value.bytes);
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value === null) return null;
  throw new Error(`no plain value: ${value}`);
}

/** An outcome as text that shows every difference: which error it is does not count. */
export function outcomeText(outcome: Outcome): string {
  return 'refused' in outcome ? 'refused' : valueText(outcome.value);
}

function valueText(value: Value): string {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value === 'number') return `double ${Object.is(value, -0) ? '-0' : value}`;
  return typeof value === 'string' ? JSON.stringify(value) : `${typeof value} ${value}`;
}
