import type { Access } from './access.ts';
import { ApiError, type ErrorProto } from './api-error.ts';
import type { Buckets } from './buckets.ts';
import { type Export, exportData } from './export-data.ts';
import { type ExportStatement, parseExport } from './export-statement.ts';
import { analyze, type QueryResult, type ResultSchema, runStatement } from './query.ts';
import type { Table } from './table.ts';
import type { Settings } from './types.ts';
import { type Statement, type Warehouse, withReads } from './warehouse.ts';

export interface World {
  readonly project: string;
  readonly warehouse: Warehouse;
  readonly buckets: Buckets;
  readonly access: Access;
  readonly settings: Settings;
}

/** What is asked for when a job is inserted. */
export interface JobRequest {
  readonly project: string;
  readonly id: string | undefined;
  readonly location: string | undefined;
  readonly query: string;
  readonly defaultDataset: string | undefined;
  readonly dryRun: boolean;
  /** `configuration` as it was sent, to be shown again. */
  readonly configuration: unknown;
  /** The error that a test wants this job to end with. */
  readonly failure: ErrorProto | undefined;
}

export interface Job {
  readonly request: JobRequest;
  readonly id: string;
  readonly location: string;
  readonly statementType: string;
  readonly schema: ResultSchema;
  readonly sources: readonly Table[];
  readonly created: number;
  state: 'PENDING' | 'RUNNING' | 'DONE';
  started?: number;
  ended?: number;
  error?: ApiError;
  result?: QueryResult;
  exported?: Export;
  /** Resolves when the job is DONE, however it ended. */
  readonly done: Promise<void>;
  cancel(): void;
}

export interface Jobs {
  insert(request: JobRequest): Promise<Job>;
  /** 404 where there is none in that location. */
  get(project: string, id: string, location: string | undefined): Job;
  delete(job: Job): void;
  /** The latest first. */
  list(project: string): readonly Job[];
}

export function createJobs(world: World): Jobs {
  const jobs = new Map<string, Job>();
  let count = 0;
  return {
    async insert(request) {
      checkInsert(world, request, jobs);
      const target = parseExport(request.query);
      const query = target?.query ?? request.query;
      const statement = world.warehouse.prepare(query, request.location, request.defaultDataset);
      checkSources(world, statement, target !== undefined);
      const schema = await analyze(world.warehouse, statement);
      // While the statement was looked at, the same job may have been inserted once more.
      checkInsert(world, request, jobs);
      count += 1;
      const id = request.id ?? `job_${String(count).padStart(8, '0')}`;
      const job = startJob(world, request, id, statement, schema, target);
      if (!request.dryRun) jobs.set(`${request.project}:${id}`, job);
      return job;
    },
    get(project, id, location) {
      const job = jobs.get(`${project}:${id}`);
      // Outside of the multi-regions a job is found by its location alone (documentation: "Jobs: get").
      const found = job && (location ?? (/^(US|EU)$/i.test(job.location) ? job.location : ''));
      if (job === undefined || found?.toLowerCase() !== job.location.toLowerCase()) {
        const place = location === undefined ? '' : `${location}.`;
        throw new ApiError('notFound', `Not found: Job ${project}:${place}${id}`);
      }
      return job;
    },
    delete: (job) => jobs.delete(`${job.request.project}:${job.id}`),
    list: (project) =>
      [...jobs.values()].filter((job) => job.request.project === project).reverse(),
  };
}

function checkInsert(world: World, request: JobRequest, jobs: ReadonlyMap<string, Job>): void {
  world.access.require(
    'bigquery.jobs.create',
    `Access Denied: Project ${request.project}: User does not have bigquery.jobs.create permission in project ${request.project}.`,
  );
  const same = jobs.get(`${request.project}:${request.id}`);
  if (same !== undefined && !request.dryRun) {
    const name = `${request.project}:${same.location}.${same.id}`;
    throw new ApiError('duplicate', `Already Exists: Job ${name}`);
  }
}

function checkSources(world: World, statement: Statement, isExport: boolean): void {
  checkPolicyTags(world, statement);
  for (const { dataset, name } of statement.sources) {
    const table = `${dataset.project}:${dataset.name}.${name}`;
    world.access.require(
      'bigquery.tables.getData',
      `Access Denied: Table ${table}: User does not have permission to query table ${table}, or perhaps it does not exist.`,
    );
    if (!isExport) continue;
    world.access.require(
      'bigquery.tables.export',
      `Access Denied: Table ${table}: Permission bigquery.tables.export denied on table ${table} (or it may not exist).`,
    );
  }
}

/** Columns under policy tags need a right of their own, as soon as a query names them. */
function checkPolicyTags(world: World, statement: Statement): void {
  for (const { schema, dataset, name } of withReads(statement.sources)) {
    const tagged = schema.find(
      (field) => field.policyTags !== undefined && statement.sql.includes(field.name),
    );
    if (tagged === undefined) continue;
    const tag = tagged.policyTags?.names[0]?.split('/').at(-1);
    world.access.require(
      'datacatalog.categories.fineGrainedGet',
      `Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get data protected by policy tag "Taxonomy : ${tag}" on column ${dataset.project}.${dataset.name}.${name}.${tagged.name}.`,
    );
  }
}

function startJob(
  world: World,
  request: JobRequest,
  id: string,
  statement: Statement,
  schema: ResultSchema,
  target: ExportStatement | undefined,
): Job {
  const cancelled = Promise.withResolvers<never>();
  cancelled.promise.catch(() => {});
  const job: Job = {
    request,
    id,
    schema,
    sources: statement.sources,
    location: statement.location,
    statementType: target === undefined ? statement.statementType : 'EXPORT_DATA',
    created: Date.now(),
    state: 'PENDING',
    cancel: () =>
      cancelled.reject(
        new ApiError('stopped', 'Job execution was cancelled: User requested cancellation'),
      ),
    // Replaced below, once there is a job to run.
    done: Promise.resolve(),
  };
  const done = request.dryRun
    ? Promise.resolve()
    : run(world, job, statement, target, cancelled.promise);
  return Object.assign(job, { done });
}

async function run(
  world: World,
  job: Job,
  statement: Statement,
  target: ExportStatement | undefined,
  cancelled: Promise<never>,
): Promise<void> {
  job.started = Date.now();
  job.state = 'RUNNING';
  try {
    const least = Bun.sleep(world.settings.jobSeconds * 1000);
    const work = job.request.failure === undefined ? perform(world, statement, target) : undefined;
    // Looked at below; a cancelled job does not wait for it.
    work?.catch(() => {});
    await Promise.race([Promise.all([work, least]), cancelled]);
    if (job.request.failure !== undefined) {
      throw new ApiError(job.request.failure.reason, job.request.failure.message);
    }
    const outcome = await work;
    if (outcome !== undefined && 'publish' in outcome) {
      outcome.publish();
      job.exported = outcome;
    } else if (outcome !== undefined) {
      job.result = outcome;
    }
  } catch (error) {
    job.error = error instanceof ApiError ? error : new ApiError('internalError', String(error));
  }
  job.ended = Date.now();
  job.state = 'DONE';
}

function perform(
  world: World,
  statement: Statement,
  target: ExportStatement | undefined,
): Promise<Export | QueryResult> {
  return target === undefined
    ? runStatement(world.warehouse, statement)
    : exportData(world, statement, target);
}
