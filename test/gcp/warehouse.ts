import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { ApiError } from './api-error.ts';
import { checkPartitionFilters } from './partition-filter.ts';
import { defineFunctions } from './sql-functions.ts';
import { type TablePath, type Translation, translate } from './sql-translation.ts';
import type { Dataset, Table } from './table.ts';
import type { Field, TableOptions } from './types.ts';
import { duckdbType } from './value-type.ts';

/** A statement ready to run. */
export interface Statement extends Translation {
  readonly location: string;
  readonly sources: readonly Table[];
}

/** Datasets and tables, kept by DuckDB: a catalog a project, a schema a dataset. */
export interface Warehouse extends AsyncDisposable {
  createDataset(project: string, name: string, location: string): Promise<Dataset>;
  createTable(
    dataset: Dataset,
    name: string,
    schema: readonly Field[],
    options: TableOptions,
  ): Promise<void>;
  dropTable(project: string, dataset: string, table: string): Promise<void>;
  dataset(project: string, name: string): Dataset | undefined;
  datasets(project: string): readonly Dataset[];
  /** Translates a statement; throws an ApiError for tables that are not there or not in `location`. */
  prepare(sql: string, location: string | undefined, defaultDataset?: string): Statement;
  /** Changes tables, one caller at a time, as BigQuery queues the changes of a table. */
  change<Result>(work: (connection: DuckDBConnection) => Promise<Result>): Promise<Result>;
  /** Runs with a connection of its own. */
  use<Result>(work: (connection: DuckDBConnection) => Promise<Result>): Promise<Result>;
}

export async function openWarehouse(defaultProject: string): Promise<Warehouse> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const main = await instance.connect();
  await main.run("SET GLOBAL TimeZone = 'UTC'");
  await defineFunctions(main);
  const datasets = new Map<string, Dataset>();
  const projects = new Set<string>();

  const use: Warehouse['use'] = async (work) => {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  };
  let changes: Promise<unknown> = Promise.resolve();
  const change: Warehouse['change'] = (work) => {
    const changed = changes.then(async () => {
      const result = await use(work);
      for (const sql of arrayRepairs(datasets.values())) await main.run(sql);
      return result;
    });
    changes = changed.catch(() => {});
    return changed;
  };
  const find = (project: string, name: string) => datasets.get(`${project}:${name}`);

  return {
    use,
    change,
    async createDataset(project, name, location) {
      if (!projects.has(project)) await main.run(`ATTACH ':memory:' AS ${quoteName(project)}`);
      projects.add(project);
      await main.run(`CREATE SCHEMA ${quoteName(project)}.${quoteName(name)}`);
      const dataset = { project, name, location, created: Date.now(), tables: new Map() };
      datasets.set(`${project}:${name}`, dataset);
      return dataset;
    },
    async createTable(dataset, name, schema, options) {
      const target = duckdbName(dataset, name);
      const created = Date.now();
      const reads: Table[] = [];
      if (options.query !== undefined) {
        const view = translate(options.query, (path) => {
          const table = resolve(find, defaultProject, path);
          reads.push(table);
          return { name: nameOf(table, true), ...columnsOf(table) };
        });
        await main.run(`CREATE VIEW ${target} AS ${view.sql}`);
      } else {
        const columns = schema.map((field) => `${quoteName(field.name)} ${duckdbType(field)}`);
        await main.run(`CREATE TABLE ${target} (${columns.join(', ')})`);
      }
      const table = { dataset, name, schema, options, reads, created, modified: created };
      if (options.hidden !== undefined) await main.run(shownView(table));
      dataset.tables.set(name, table);
    },
    async dropTable(project, datasetName, name) {
      const dataset = find(project, datasetName);
      const table = dataset?.tables.get(name);
      if (dataset === undefined || table === undefined) return;
      const kind = table.options.query === undefined ? 'TABLE' : 'VIEW';
      if (table.options.hidden !== undefined)
        await main.run(`DROP VIEW ${duckdbName(dataset, shownName(name))}`);
      await main.run(`DROP ${kind} ${duckdbName(dataset, name)}`);
      dataset.tables.delete(name);
    },
    dataset: find,
    datasets: (project) => [...datasets.values()].filter((each) => each.project === project),
    prepare(sql, location, defaultDataset) {
      const sources: Table[] = [];
      const known = (path: TablePath) =>
        find(path.project ?? defaultProject, path.dataset ?? defaultDataset ?? '') !== undefined;
      const isQuery = /^\s*(SELECT|WITH)\b/i.test(sql);
      const translation = translate(sql, (path, sure) => {
        if (!sure && !known(path)) return undefined;
        const whole = { ...path, dataset: path.dataset ?? defaultDataset };
        const table = resolve(
          find,
          defaultProject,
          whole,
          location ?? sources[0]?.dataset.location,
        );
        sources.push(table);
        return { name: nameOf(table, isQuery), ...columnsOf(table) };
      });
      // An INSERT of values reads nothing of its table.
      if (translation.statementType !== 'INSERT') checkPartitionFilters(sources, sql);
      const place = location ?? sources[0]?.dataset.location ?? 'US';
      return { ...translation, sources, location: place };
    },
    async [Symbol.asyncDispose]() {
      main.closeSync();
      instance.closeSync();
    },
  };
}

/**
 * A table never holds a NULL array: it is stored as an empty one (documentation: "NULLs and the
 * ARRAY type"). DuckDB keeps what it is given, so it is put right after each change.
 */
function* arrayRepairs(datasets: Iterable<Dataset>): Generator<string> {
  for (const dataset of datasets) {
    for (const { schema, name, options } of dataset.tables.values()) {
      if (options.query !== undefined) continue;
      for (const field of schema) {
        if (field.mode !== 'REPEATED') continue;
        const column = quoteName(field.name);
        const table = duckdbName(dataset, name);
        yield `UPDATE ${table} SET ${column} = [] WHERE ${column} IS NULL`;
      }
    }
  }
}

type FindDataset = (project: string, name: string) => Dataset | undefined;

/** The table of a path, or BigQuery's refusal (recorded: rest_crud, error_table_not_found). */
function resolve(
  find: FindDataset,
  defaultProject: string,
  path: TablePath,
  location?: string,
): Table {
  const project = path.project ?? defaultProject;
  const dataset = find(project, path.dataset ?? '');
  const place = location ?? dataset?.location ?? 'US';
  if (dataset === undefined || dataset.location.toLowerCase() !== place.toLowerCase()) {
    throw notFound(`Dataset ${project}:${path.dataset}`, place);
  }
  const table = dataset.tables.get(path.table);
  if (table === undefined) {
    throw notFound(`Table ${project}:${path.dataset}.${path.table}`, place);
  }
  return table;
}

function notFound(what: string, location: string): ApiError {
  return new ApiError('notFound', `Not found: ${what} was not found in location ${location}`);
}

/** The tables, and those that they read as views. */
export function withReads(tables: readonly Table[]): readonly Table[] {
  return tables.flatMap((table) => [table, ...withReads(table.reads)]);
}

function columnsOf({ schema }: Table) {
  const fine = schema.filter(({ timestampPrecision }) => timestampPrecision === '12');
  return { columns: schema.map(({ name }) => name), picoseconds: fine.map(({ name }) => name) };
}

/** The view of a table with hidden rows or values, as the account sees it. */
function shownName(table: string): string {
  return `${table}$shown`;
}

function shownView({ dataset, name, options }: Table): string {
  const { rows = 'true', values = {} } = options.hidden ?? {};
  const masks = Object.entries(values).map(([column, shown]) => `${shown} AS ${quoteName(column)}`);
  const columns = masks.length === 0 ? '*' : `* REPLACE (${masks.join(', ')})`;
  return `CREATE VIEW ${duckdbName(dataset, shownName(name))} AS
    SELECT ${columns} FROM ${duckdbName(dataset, name)} WHERE ${rows}`;
}

/**
 * In BigQuery's quotes: it goes through polyglot like the rest of the statement. What is read is
 * read as the account may see it.
 */
function nameOf(table: Table, toRead: boolean): string {
  const { dataset, name, options } = table;
  const shown = toRead && options.hidden !== undefined ? shownName(name) : name;
  return [dataset.project, dataset.name, shown]
    .map((part) => `\`${part.replaceAll('`', '\\`')}\``)
    .join('.');
}

/** The name of a table in DuckDB's own SQL. */
export function duckdbName(dataset: Dataset, table: string): string {
  return [dataset.project, dataset.name, table].map(quoteName).join('.');
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
