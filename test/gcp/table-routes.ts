import { ApiError } from './api-error.ts';
import { type ApiRequest, type ApiResponse, ok } from './http.ts';
import type { World } from './jobs.ts';
import type { Dataset, Table } from './table.ts';
import { restTableField } from './value-type.ts';
import { duckdbName } from './warehouse.ts';

/** Makes datasets.get, datasets.list, tables.get and tables.list. */
export function createTableRoutes(world: World) {
  const datasetOf = (project: string, name: string): Dataset => {
    const dataset = world.warehouse.dataset(project, name);
    if (dataset !== undefined) return dataset;
    throw new ApiError('notFound', `Not found: Dataset ${project}:${name}`);
  };
  return {
    getDataset(project: string, name: string): ApiResponse {
      world.access.require(
        'bigquery.datasets.get',
        `Access Denied: Dataset ${project}:${name}: Permission bigquery.datasets.get denied on dataset ${project}:${name} (or it may not exist).`,
      );
      return ok(datasetResource(datasetOf(project, name)));
    },
    listDatasets(project: string): ApiResponse {
      const datasets = world.warehouse.datasets(project).map(datasetResource);
      return ok({ kind: 'bigquery#datasetList', etag: 'list', datasets });
    },
    async getTable(project: string, dataset: string, name: string): Promise<ApiResponse> {
      const full = `${project}:${dataset}.${name}`;
      world.access.require(
        'bigquery.tables.get',
        `Access Denied: Table ${full}: Permission bigquery.tables.get denied on table ${full} (or it may not exist).`,
      );
      const table = datasetOf(project, dataset).tables.get(name);
      if (table === undefined) throw new ApiError('notFound', `Not found: Table ${full}`);
      return ok(await tableResource(world, table));
    },
    listTables(request: ApiRequest, project: string, dataset: string): ApiResponse {
      const tables = [...datasetOf(project, dataset).tables.values()];
      const query = request.url.searchParams;
      const start = Number(query.get('pageToken') ?? 0);
      const size = Math.min(Number(query.get('maxResults') ?? 50), world.settings.pageSize);
      const next = start + size < tables.length ? { nextPageToken: String(start + size) } : {};
      return ok({
        kind: 'bigquery#tableList',
        etag: 'list',
        tables: tables.slice(start, start + size).map((table) => ({
          kind: 'bigquery#table',
          ...tableIdentity(table),
          type: table.options.type ?? 'TABLE',
          creationTime: String(table.created),
        })),
        totalItems: tables.length,
        ...next,
      });
    },
  };
}

function datasetResource(dataset: Dataset): unknown {
  const { project, name, created } = dataset;
  return {
    kind: 'bigquery#dataset',
    etag: Buffer.from(`${name}/${created}`).toString('base64'),
    id: `${project}:${name}`,
    selfLink: `https://bigquery.googleapis.com/bigquery/v2/projects/${project}/datasets/${name}`,
    datasetReference: { datasetId: name, projectId: project },
    access: [{ role: 'OWNER', specialGroup: 'projectOwners' }],
    creationTime: String(created),
    lastModifiedTime: String(created),
    location: dataset.location,
    type: 'DEFAULT',
    maxTimeTravelHours: '168',
  };
}

function tableIdentity({ dataset, name }: Table) {
  const { project } = dataset;
  return {
    id: `${project}:${dataset.name}.${name}`,
    tableReference: { projectId: project, datasetId: dataset.name, tableId: name },
  };
}

/** A `Table` (discovery document; recorded: http_corpus, tables_get_basic). */
async function tableResource(world: World, table: Table): Promise<unknown> {
  const { dataset, name, options } = table;
  const { project: _project, hidden: _hidden, query, type, ...shown } = options;
  const rows = await countRows(world, table);
  const bytes = String(rows * 100n);
  const isTable = query === undefined;
  return {
    kind: 'bigquery#table',
    etag: Buffer.from(`${name}/${table.modified}`).toString('base64'),
    ...tableIdentity(table),
    selfLink: `https://bigquery.googleapis.com/bigquery/v2/projects/${dataset.project}/datasets/${dataset.name}/tables/${name}`,
    ...shown,
    schema: { fields: table.schema.map(restTableField) },
    numBytes: isTable ? bytes : '0',
    numLongTermBytes: '0',
    // A view has no rows of its own.
    numRows: isTable ? String(rows) : '0',
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

async function countRows(world: World, { dataset, name }: Table): Promise<bigint> {
  const sql = `SELECT COUNT(*) FROM ${duckdbName(dataset, name)}`;
  const counted = await world.warehouse.use((connection) => connection.runAndReadAll(sql));
  return BigInt(String(counted.getRows()[0]?.[0] ?? 0));
}
