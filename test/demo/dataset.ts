import type { Field, TableOptions } from '../gcp/google.ts';

/** A table of the stand-in's BigQuery, and what fills it. */
export interface Dataset {
  readonly table: string;
  readonly schema: readonly Field[];
  readonly options: TableOptions;
  /** DuckDB's SQL for its rows, in the order of the schema's columns. */
  readonly query: string;
}
