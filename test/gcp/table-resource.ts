import { ApiError } from './api-error.ts';
import type { Backend } from './backend.ts';
import { type ApiResponse, ok } from './http.ts';
import { duckdbName, type Table, withReads } from './table.ts';
import { restTableField } from './value-type.ts';
import type { Warehouse } from './warehouse.ts';

/** The size that a row is reported to have. */
const ROW_BYTES = 100n;

/** Answers tables.get. */
export async function getTable(
  { access, warehouse }: Backend,
  project: string,
  datasetName: string,
  name: string,
): Promise<ApiResponse> {
  const full = `${project}:${datasetName}.${name}`;
  access.require(
    'bigquery.tables.get',
    `Access Denied: Table ${full}: Permission bigquery.tables.get denied on table ${full} (or it may not exist).`,
  );
  const dataset = warehouse.dataset(project, datasetName);
  if (dataset === undefined) {
    throw new ApiError('notFound', `Not found: Dataset ${project}:${datasetName}`);
  }
  const table = dataset.tables.get(name);
  if (table === undefined) throw new ApiError('notFound', `Not found: Table ${full}`);
  return ok(await tableResource(warehouse, table));
}

/** A `Table` (discovery document; recorded: http_corpus, tables_get_basic). */
async function tableResource(warehouse: Warehouse, table: Table): Promise<unknown> {
  const { dataset, name, options } = table;
  const { project: _project, hidden: _hidden, query, type, ...shown } = options;
  const isTable = query === undefined;
  // A view has no rows of its own.
  const rows = isTable ? await countRows(warehouse, table) : 0n;
  return {
    kind: 'bigquery#table',
    etag: Buffer.from(`${name}/${table.modified}`).toString('base64'),
    id: `${dataset.project}:${dataset.name}.${name}`,
    selfLink: `https://bigquery.googleapis.com/bigquery/v2/projects/${dataset.project}/datasets/${dataset.name}/tables/${name}`,
    tableReference: { projectId: dataset.project, datasetId: dataset.name, tableId: name },
    ...shown,
    schema: { fields: table.schema.map(restTableField) },
    numBytes: String(rows * ROW_BYTES),
    numLongTermBytes: '0',
    numRows: String(rows),
    creationTime: String(table.created),
    lastModifiedTime: String(table.modified),
    type: type ?? (isTable ? 'TABLE' : 'VIEW'),
    ...(type === 'MATERIALIZED_VIEW' && {
      materializedView: { query, enableRefresh: true, refreshIntervalMs: '1800000' },
    }),
    ...(!isTable && type !== 'MATERIALIZED_VIEW' && { view: { query, useLegacySql: false } }),
    location: dataset.location,
  };
}

/** The bytes that a query of these tables reads, those behind views included. */
export async function tableBytes(warehouse: Warehouse, tables: readonly Table[]): Promise<bigint> {
  let bytes = 0n;
  for (const table of new Set(withReads(tables))) {
    if (table.options.query === undefined) bytes += await countRows(warehouse, table);
  }
  return bytes * ROW_BYTES;
}

async function countRows(warehouse: Warehouse, table: Table): Promise<bigint> {
  const sql = `SELECT COUNT(*) FROM ${duckdbName(table.dataset, table.name)}`;
  const counted = await warehouse.read([table], (connection) => connection.runAndReadAll(sql));
  return BigInt(String(counted.getRows()[0]?.[0] ?? 0));
}
