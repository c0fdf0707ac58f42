import { quoteBigQueryPath } from './bigquery-quoting.ts';

/** The column that every source must have: it says which rows are new. */
export const WATERMARK_COLUMN = 'max_ingested_at';

/** The BigQuery table by its place. */
export interface SourceName {
  /** undefined: the project of the credentials. */
  readonly project: string | undefined;
  readonly dataset: string;
  readonly table: string;
  readonly location: string;
}

/** `project.dataset.table`, as messages show it. */
export function sourceText(name: SourceName): string {
  return [name.project, name.dataset, name.table].filter((part) => part !== undefined).join('.');
}

/** The source in a FROM clause. */
export function sourcePath(name: SourceName): string {
  const project = name.project === undefined ? [] : [name.project];
  return quoteBigQueryPath(...project, name.dataset, name.table);
}
