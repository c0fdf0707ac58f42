import { createAccess } from './access.ts';
import { createBigQuery } from './bigquery.ts';
import { createBuckets } from './buckets.ts';
import { createFaults } from './faults.ts';
import { jobSummary } from './job-resource.ts';
import { createJobs, type World } from './jobs.ts';
import { createMetadata } from './metadata.ts';
import { runStatement } from './query.ts';
import { type Handle, startServer } from './server.ts';
import { createStorage } from './storage.ts';
import type { Google, RecordedRequest, Row, Settings } from './types.ts';
import { duckdbName, openWarehouse } from './warehouse.ts';

export type * from './types.ts';

export interface GoogleOptions {
  readonly settings?: Partial<Settings>;
  /** A free port by default. */
  readonly port?: number;
}

const PROJECT = 'test-project';

const DEFAULTS: Settings = {
  exportShards: 2,
  exportBlockBytes: 65_536,
  codec: 'null',
  jobSeconds: 0,
  pageSize: 1000,
  tokenSeconds: 3599,
};

/** Starts the stand-in on 127.0.0.1. Dispose of it with `await using`. */
export async function startGoogle(options: GoogleOptions = {}): Promise<Google> {
  const settings = { ...DEFAULTS, ...options.settings };
  const warehouse = await openWarehouse(PROJECT);
  const access = createAccess();
  const buckets = createBuckets();
  const faults = createFaults();
  const world: World = { project: PROJECT, warehouse, buckets, access, settings };
  const jobs = createJobs(world);
  const requests: RecordedRequest[] = [];
  const bigquery = createBigQuery(world, jobs);
  const storage = createStorage(buckets, access, settings);
  const metadata = createMetadata(PROJECT, access, settings);
  const handle: Handle = async (request, fault) => {
    if (request.service === 'bigquery') return await bigquery(request, fault);
    return request.service === 'storage' ? storage(request) : metadata(request);
  };
  const server = await startServer(handle, faults, requests, options.port);

  const datasetOf = (name: string, project = PROJECT) => {
    const dataset = warehouse.dataset(project, name);
    if (dataset === undefined) throw new Error(`create the dataset ${project}.${name} first`);
    return dataset;
  };
  const objectsOf = (bucket: string) => {
    const found = buckets.get(bucket);
    if (found === undefined) throw new Error(`create the bucket ${bucket} first`);
    return found.objects;
  };

  return {
    project: PROJECT,
    env: {
      BIGQUERY_EMULATOR_HOST: server.origin,
      STORAGE_EMULATOR_HOST: server.origin,
      GCE_METADATA_HOST: server.origin.replace('http://', ''),
      // Without it, the first credentials cost a probe of the machine's firmware and of the network.
      METADATA_SERVER_DETECTION: 'assume-present',
    },
    requests,
    settings,
    async createDataset(dataset, { location = 'US', project = PROJECT } = {}) {
      await warehouse.createDataset(project, dataset, location);
    },
    createBucket: (bucket, { location = 'US' } = {}) => buckets.create(bucket, location),
    async createTable(dataset, table, schema, tableOptions = {}) {
      const home = datasetOf(dataset, tableOptions.project);
      await warehouse.createTable(home, table, schema, tableOptions);
    },
    dropTable: (dataset, table, { project = PROJECT } = {}) =>
      warehouse.dropTable(project, dataset, table),
    async sql(bigQuerySql) {
      const statement = warehouse.prepare(bigQuerySql, undefined);
      const result = await runStatement(warehouse, statement);
      return result.rows.map((row) =>
        Object.fromEntries(result.fields.map((field, at) => [field.name, row[at]])),
      );
    },
    async duckdb(sql): Promise<Row[]> {
      const read = await warehouse.change((connection) => connection.runAndReadAll(sql));
      return read.getRowObjects();
    },
    tableName: (dataset, table, { project = PROJECT } = {}) =>
      duckdbName(datasetOf(dataset, project), table),
    objects: (bucket) =>
      [...objectsOf(bucket)]
        .map(([name, { bytes, generation }]) => ({ name, size: bytes.length, generation }))
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
    readObject: (bucket, name) => objectsOf(bucket).get(name)?.bytes,
    writeObject: (bucket, name, bytes) => {
      buckets.write(bucket, name, bytes);
    },
    deleteObject: (bucket, name) => {
      objectsOf(bucket).delete(name);
    },
    jobs: () => jobs.list(PROJECT).map(jobSummary).reverse(),
    fail: faults.arm,
    heal: faults.clear,
    expireTokens: access.expireTokens,
    deny: (...permissions) => {
      for (const permission of permissions) access.denied.add(permission);
    },
    allow: (...permissions) => {
      for (const permission of permissions) access.denied.delete(permission);
      if (permissions.length === 0) access.denied.clear();
    },
    async [Symbol.asyncDispose]() {
      for (const job of jobs.list(PROJECT)) job.cancel();
      await server[Symbol.asyncDispose]();
      await warehouse[Symbol.asyncDispose]();
    },
  };
}
