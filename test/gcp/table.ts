import type { Field, TableOptions } from './types.ts';

export interface Dataset {
  readonly project: string;
  readonly name: string;
  readonly location: string;
  readonly created: number;
  readonly tables: Map<string, Table>;
}

export interface Table {
  readonly dataset: Dataset;
  readonly name: string;
  readonly schema: readonly Field[];
  readonly options: TableOptions;
  /** The tables that a view reads; of others, none. */
  readonly reads: readonly Table[];
  readonly created: number;
  /** Milliseconds; later after each statement that changes the table. */
  modified: number;
}
