import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { ApiError } from './api-error.ts';
import { checkPartitionFilters } from './partition-filter.ts';
import { defineFunctions } from './sql-functions.ts';
import { type TablePath, translate } from './sql-translation.ts';
import {
  columnsOf,
  type Dataset,
  dropStatements,
  duckdbName,
  nameOf,
  quoteName,
  type Statement,
  shownView,
  type Table,
  touch,
  withReads,
} from './table.ts';
import type { Field, TableOptions } from './types.ts';
import { duckdbType } from './value-type.ts';

/** Datasets and tables, kept by DuckDB: a catalog a project, a schema a dataset. */
export class Warehouse implements AsyncDisposable {
  readonly #defaultProject: string;
  readonly #instance: DuckDBInstance;
  readonly #main: DuckDBConnection;
  readonly #datasets = new Map<string, Dataset>();
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(project: string, instance: DuckDBInstance, main: DuckDBConnection) {
    this.#defaultProject = project;
    this.#instance = instance;
    this.#main = main;
  }

  static async open(defaultProject: string): Promise<Warehouse> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const main = await instance.connect();
    await main.run("SET GLOBAL TimeZone = 'UTC'");
    await defineFunctions(main);
    return new Warehouse(defaultProject, instance, main);
  }

  /**
   * Reads tables that were looked up before: one that was dropped since is not found, whatever DuckDB
   * says of it.
   */
  async read<Result>(
    tables: readonly Table[],
    work: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await this.#connected(work);
    } catch (error) {
      const gone = withReads(tables).find(
        (table) => table.dataset.tables.get(table.name) !== table,
      );
      if (gone === undefined) throw error;
      const { dataset, name } = gone;
      throw notFound(`Table ${dataset.project}:${dataset.name}.${name}`, dataset.location);
    }
  }

  /** Runs with a connection of its own. */
  async #connected<Result>(
    work: (connection: DuckDBConnection) => Promise<Result>,
  ): Promise<Result> {
    const connection = await this.#instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  }

  /** Changes tables, one caller at a time, as BigQuery queues the changes of a table. */
  change<Result>(work: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> {
    const changed = this.#changes.then(async () => {
      const result = await this.#connected(work);
      for (const table of this.tables()) {
        for (const sql of arrayRepairs(table)) await this.#main.run(sql);
      }
      return result;
    });
    this.#changes = changed.catch(() => {});
    return changed;
  }

  async createDataset(project: string, name: string, location: string): Promise<void> {
    if (!this.hasProject(project)) {
      await this.#main.run(`ATTACH ':memory:' AS ${quoteName(project)}`);
    }
    await this.#main.run(`CREATE SCHEMA ${quoteName(project)}.${quoteName(name)}`);
    this.#datasets.set(`${project}:${name}`, { project, name, location, tables: new Map() });
  }

  async createTable(
    dataset: Dataset,
    name: string,
    schema: readonly Field[],
    options: TableOptions,
  ): Promise<void> {
    const target = duckdbName(dataset, name);
    const reads: Table[] = [];
    if (options.query !== undefined) {
      const view = translate(options.query, (path) => {
        const table = this.#resolve(path);
        reads.push(table);
        return { name: nameOf(table, true), ...columnsOf(table) };
      });
      await this.#main.run(`CREATE VIEW ${target} AS ${view.sql}`);
    } else {
      const columns = schema.map((field) => `${quoteName(field.name)} ${duckdbType(field)}`);
      await this.#main.run(`CREATE TABLE ${target} (${columns.join(', ')})`);
    }
    const created = Date.now();
    const table = { dataset, name, schema, options, reads, created, modified: created };
    if (options.hidden !== undefined) await this.#main.run(shownView(table));
    dataset.tables.set(name, table);
  }

  /** Without a default in the end: `value` is only that of the rows that are there. */
  async addColumn(table: Table, field: Field, value: string): Promise<void> {
    const name = quoteName(field.name);
    const alter = `ALTER TABLE ${duckdbName(table.dataset, table.name)}`;
    await this.change(async (connection) => {
      await connection.run(`${alter} ADD COLUMN ${name} ${duckdbType(field)} DEFAULT ${value}`);
      await connection.run(`${alter} ALTER COLUMN ${name} DROP DEFAULT`);
    });
    table.schema = [...table.schema, field];
    touch(table);
  }

  async dropTable(project: string, datasetName: string, name: string): Promise<void> {
    const tables = this.dataset(project, datasetName)?.tables;
    const table = tables?.get(name);
    if (table === undefined) return;
    tables?.delete(name);
    for (const sql of dropStatements(table)) await this.#main.run(sql);
  }

  dataset(project: string, name: string): Dataset | undefined {
    return this.#datasets.get(`${project}:${name}`);
  }

  hasProject(project: string): boolean {
    return [...this.#datasets.values()].some((dataset) => dataset.project === project);
  }

  tables(): readonly Table[] {
    return [...this.#datasets.values()].flatMap(({ tables }) => [...tables.values()]);
  }

  /** Translates a statement; throws an ApiError for tables that are not there or not in `location`. */
  prepare(sql: string, location: string | undefined): Statement {
    const sources: Table[] = [];
    const isQuery = /^\s*(SELECT|WITH)\b/i.test(sql);
    const translation = translate(sql, (path, sure) => {
      if (!sure && this.#datasetOf(path) === undefined) return undefined;
      const table = this.#resolve(path, location ?? sources[0]?.dataset.location);
      sources.push(table);
      return { name: nameOf(table, isQuery), ...columnsOf(table) };
    });
    // An INSERT of values reads nothing of its table.
    if (translation.statementType !== 'INSERT') checkPartitionFilters(sources, sql);
    const place = location ?? sources[0]?.dataset.location ?? 'US';
    return { ...translation, sources, location: place };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#main.closeSync();
    this.#instance.closeSync();
  }

  #datasetOf({ project = this.#defaultProject, dataset = '' }: TablePath): Dataset | undefined {
    return this.dataset(project, dataset);
  }

  /** The table of a path, or BigQuery's refusal (recorded: rest_crud, error_table_not_found). */
  #resolve(path: TablePath, location?: string): Table {
    const dataset = this.#datasetOf(path);
    const place = location ?? dataset?.location ?? 'US';
    const full = `${path.project ?? this.#defaultProject}:${path.dataset}`;
    if (dataset === undefined || dataset.location.toLowerCase() !== place.toLowerCase()) {
      throw notFound(`Dataset ${full}`, place);
    }
    const table = dataset.tables.get(path.table);
    if (table === undefined) throw notFound(`Table ${full}.${path.table}`, place);
    return table;
  }
}

/**
 * A table never holds a NULL array: it is stored as an empty one (documentation: "NULLs and the
 * ARRAY type"). DuckDB keeps what it is given, so it is put right after each change.
 */
function* arrayRepairs({ dataset, schema, name, options }: Table): Generator<string> {
  if (options.query !== undefined) return;
  for (const field of schema) {
    if (field.mode !== 'REPEATED') continue;
    const column = quoteName(field.name);
    yield `UPDATE ${duckdbName(dataset, name)} SET ${column} = [] WHERE ${column} IS NULL`;
  }
}

function notFound(what: string, location: string): ApiError {
  return new ApiError('notFound', `Not found: ${what} was not found in location ${location}`);
}
