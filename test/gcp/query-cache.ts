import { type Statement, withReads } from './table.ts';

/** Functions whose value is another each time (documentation: "Using cached query results"). */
const NON_DETERMINISTIC = /\b(CURRENT_\w+|RAND|GENERATE_UUID|SESSION_USER)\b/i;

/** Which queries BigQuery would answer from its cache (documentation: the same page, exceptions). */
export class QueryCache {
  /** By the text of a query, the state of its tables when it ran last. */
  readonly #seen = new Map<string, string>();

  /** Whether the same text was asked before, and its tables are as they were. */
  holds(sql: string, { sources, statementType }: Statement): boolean {
    const tables = withReads(sources);
    const texts = [sql, ...tables.map(({ options }) => options.query ?? '')];
    const streaming = tables.some(({ options }) => options.streamingBuffer !== undefined);
    const hidden = tables.some(({ options }) => options.hidden?.rows !== undefined);
    if (statementType !== 'SELECT' || streaming || hidden) return false;
    if (texts.some((text) => NON_DETERMINISTIC.test(text))) return false;
    const state = tables.map(({ created, modified }) => `${created}/${modified}`).join();
    const holds = this.#seen.get(sql) === state;
    this.#seen.set(sql, state);
    return holds;
  }
}
