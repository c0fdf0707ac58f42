import { createAccess } from './access.ts';
import type { Backend } from './backend.ts';
import { answerBigQuery } from './bigquery.ts';
import { type Bucket, Buckets } from './buckets.ts';
import { Faults } from './faults.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { jobSummary } from './job-resource.ts';
import { Jobs } from './jobs.ts';
import { answerMetadata } from './metadata.ts';
import { runStatement } from './query.ts';
import { type Server, startServer } from './server.ts';
import { answerStorage } from './storage.ts';
import { type Dataset, duckdbName, touch } from './table.ts';
import type {
  Fault,
  Field,
  JobSummary,
  RecordedRequest,
  Row,
  Settings,
  StoredObject,
  TableOptions,
} from './types.ts';
import { Warehouse } from './warehouse.ts';

export type * from './types.ts';

const PROJECT = 'test-project';

const DEFAULTS: Settings = {
  exportShards: 2,
  exportBlockBytes: 65_536,
  exportStatistics: 'rowCount',
  jobSeconds: 0,
  longestPollMs: Number.POSITIVE_INFINITY,
  pageSize: 1000,
};

interface InProject {
  /** The project of the credentials by default. */
  readonly project?: string;
}

/** Starts the stand-in on 127.0.0.1. Dispose of it with `await using`. */
export async function startGoogle(settings: Partial<Settings> = {}): Promise<Google> {
  const warehouse = await Warehouse.open(PROJECT);
  const backend = {
    project: PROJECT,
    warehouse,
    buckets: new Buckets(),
    access: createAccess(),
    settings: { ...DEFAULTS, ...settings },
  };
  const jobs = new Jobs(backend);
  const faults = new Faults();
  const requests: RecordedRequest[] = [];
  const answer = (request: ApiRequest, fault: Fault | undefined) =>
    answerRequest(backend, jobs, request, fault);
  const server = await startServer(answer, faults, requests);
  return new Google(backend, jobs, faults, requests, server);
}

async function answerRequest(
  backend: Backend,
  jobs: Jobs,
  request: ApiRequest,
  fault: Fault | undefined,
): Promise<ApiResponse> {
  if (request.service === 'bigquery') return await answerBigQuery(backend, jobs, request, fault);
  return request.service === 'storage'
    ? answerStorage(backend, request)
    : answerMetadata(backend, request);
}

/** The stand-in for BigQuery, Cloud Storage and the metadata server of a VM. */
export class Google implements AsyncDisposable {
  /** The project of the credentials: `test-project`. */
  readonly project = PROJECT;
  readonly requests: readonly RecordedRequest[];
  readonly settings: Settings;
  /** Environment for the binary: where the three services are. */
  readonly env: Readonly<Record<string, string>>;
  readonly #backend: Backend;
  readonly #jobs: Jobs;
  readonly #faults: Faults;
  readonly #server: Server;

  constructor(
    backend: Backend,
    jobs: Jobs,
    faults: Faults,
    requests: readonly RecordedRequest[],
    server: Server,
  ) {
    this.requests = requests;
    this.settings = backend.settings;
    this.env = {
      BIGQUERY_EMULATOR_HOST: server.origin,
      STORAGE_EMULATOR_HOST: server.origin,
      GCE_METADATA_HOST: server.origin.replace('http://', ''),
      // Without it, the first credentials cost a probe of the machine's firmware and of the network.
      METADATA_SERVER_DETECTION: 'assume-present',
    };
    this.#backend = backend;
    this.#jobs = jobs;
    this.#faults = faults;
    this.#server = server;
  }

  async createDataset(
    dataset: string,
    { location = 'US', project = PROJECT }: InProject & { readonly location?: string } = {},
  ): Promise<void> {
    await this.#backend.warehouse.createDataset(project, dataset, location);
  }

  createBucket(bucket: string, { location = 'US' }: { readonly location?: string } = {}): void {
    this.#backend.buckets.create(bucket, location);
  }

  async createTable(
    dataset: string,
    table: string,
    schema: readonly Field[],
    options: TableOptions = {},
  ): Promise<void> {
    const home = this.#dataset(dataset, options);
    await this.#backend.warehouse.createTable(home, table, schema, options);
  }

  /** Adds a column at the end, with one value in the rows that are there: NULL, or this of DuckDB's SQL. */
  async addColumn(dataset: string, table: string, field: Field, value = 'NULL'): Promise<void> {
    const found = this.#dataset(dataset, {}).tables.get(table);
    if (found === undefined) throw new Error(`create the table ${dataset}.${table} first`);
    await this.#backend.warehouse.addColumn(found, field, value);
  }

  /** Drops a table; no error where there is none. */
  async dropTable(
    dataset: string,
    table: string,
    { project = PROJECT }: InProject = {},
  ): Promise<void> {
    await this.#backend.warehouse.dropTable(project, dataset, table);
  }

  /** Runs one statement of BigQuery's dialect at once (no job): SELECT, INSERT, UPDATE, DELETE. */
  async sql(bigQuerySql: string): Promise<Row[]> {
    const { warehouse } = this.#backend;
    const result = await runStatement(warehouse, warehouse.prepare(bigQuerySql, undefined));
    return result.rows.map((row) =>
      Object.fromEntries(result.fields.map((field, at) => [field.name, row[at]])),
    );
  }

  /** Runs DuckDB's SQL as it is, with tables by their `tableName`. Fast for many rows. */
  async duckdb(sql: string): Promise<Row[]> {
    const { warehouse } = this.#backend;
    const read = await warehouse.change((connection) => connection.runAndReadAll(sql));
    for (const table of warehouse.tables()) {
      if (sql.includes(duckdbName(table.dataset, table.name))) touch(table);
    }
    return read.getRowObjects();
  }

  /** The name of a BigQuery table in DuckDB's SQL, quoted, for `duckdb`. */
  tableName(dataset: string, table: string, options: InProject = {}): string {
    return duckdbName(this.#dataset(dataset, options), table);
  }

  /** In the order of their names. */
  objects(bucket: string): readonly StoredObject[] {
    return [...this.#bucket(bucket).objects]
      .map(([name, { bytes, generation }]) => ({ name, size: bytes.length, generation }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** The bytes of an object; undefined where there is none. */
  readObject(bucket: string, name: string): Buffer | undefined {
    return this.#bucket(bucket).objects.get(name)?.bytes;
  }

  /** Writes an object as another writer would: with a new generation. */
  writeObject(bucket: string, name: string, bytes: Buffer): void {
    this.#backend.buckets.write(bucket, name, bytes);
  }

  deleteObject(bucket: string, name: string): void {
    this.#bucket(bucket).objects.delete(name);
  }

  /** All jobs so far, in the order of their start. */
  jobs(): readonly JobSummary[] {
    return this.#jobs.list().map(jobSummary);
  }

  /** Switches a fault on; the first fault that matches a request is the one that is used. */
  fail(fault: Fault): void {
    this.#faults.arm(fault);
  }

  /** Switches every fault off. */
  heal(): void {
    this.#faults.clear();
  }

  /** Makes every token handed out so far invalid: 401 until the client asks for a new one. */
  expireTokens(): void {
    this.#backend.access.expireTokens();
  }

  /** Refuses these permissions from now on, as IAM does: `bigquery.jobs.create`, `storage.objects.create`... */
  deny(...permissions: string[]): void {
    for (const permission of permissions) this.#backend.access.denied.add(permission);
  }

  /** Grants denied permissions again; all of them where none is named. */
  allow(...permissions: string[]): void {
    const { denied } = this.#backend.access;
    for (const permission of permissions) denied.delete(permission);
    if (permissions.length === 0) denied.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const job of this.#jobs.list()) job.cancel();
    await this.#server[Symbol.asyncDispose]();
    await this.#backend.warehouse[Symbol.asyncDispose]();
  }

  #dataset(name: string, { project = PROJECT }: InProject): Dataset {
    const dataset = this.#backend.warehouse.dataset(project, name);
    if (dataset === undefined) throw new Error(`create the dataset ${project}.${name} first`);
    return dataset;
  }

  #bucket(name: string): Bucket {
    const bucket = this.#backend.buckets.get(name);
    if (bucket === undefined) throw new Error(`create the bucket ${name} first`);
    return bucket;
  }
}
