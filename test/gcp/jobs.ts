import type { Access } from './access.ts';
import { ApiError } from './api-error.ts';
import type { Backend } from './backend.ts';
import { exportData } from './export-data.ts';
import { parseExport } from './export-statement.ts';
import { Job, type JobRequest } from './job.ts';
import { analyze, runStatement } from './query.ts';
import { QueryCache } from './query-cache.ts';
import { type Statement, withReads } from './table.ts';
import { tableBytes } from './table-resource.ts';

/** All jobs that were ever inserted. */
export class Jobs {
  readonly #backend: Backend;
  readonly #jobs = new Map<string, Job>();
  readonly #cache = new QueryCache();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Starts a job; refuses a statement that is wrong, and an id that is taken. */
  async insert(request: JobRequest): Promise<Job> {
    const { warehouse, access, settings } = this.#backend;
    this.#checkInsert(request);
    const target = parseExport(request.query);
    const statement = warehouse.prepare(target?.query ?? request.query, request.location);
    checkSources(access, statement, target !== undefined);
    await analyze(warehouse, statement);
    const bytesProcessed = await tableBytes(warehouse, statement.sources);
    // While the statement was looked at, the same job may have been inserted once more.
    this.#checkInsert(request);
    const { sources, location } = statement;
    const cacheHit = target === undefined && this.#cache.holds(request.query, statement);
    const statementType = target === undefined ? statement.statementType : 'EXPORT_DATA';
    const job = new Job(
      { request, location, statementType, sources, bytesProcessed, cacheHit },
      () =>
        target === undefined
          ? runStatement(warehouse, statement)
          : exportData(this.#backend, statement, target),
      settings.jobSeconds,
    );
    this.#jobs.set(`${request.project}:${request.id}`, job);
    return job;
  }

  /** 404 where there is none in that location. */
  get(project: string, id: string, location: string | undefined): Job {
    const job = this.#jobs.get(`${project}:${id}`);
    if (job !== undefined) {
      const own = job.facts.location.toLowerCase();
      // Outside of the multi-regions a job is found by its location alone (documentation: "Jobs: get").
      if ((location?.toLowerCase() ?? (own === 'us' || own === 'eu' ? own : '')) === own)
        return job;
    }
    const place = location === undefined ? '' : `${location}.`;
    throw new ApiError('notFound', `Not found: Job ${project}:${place}${id}`);
  }

  /** In the order of their start. */
  list(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  #checkInsert({ project, id }: JobRequest): void {
    this.#backend.access.require(
      'bigquery.jobs.create',
      `Access Denied: Project ${project}: User does not have bigquery.jobs.create permission in project ${project}.`,
    );
    const same = this.#jobs.get(`${project}:${id}`);
    if (same === undefined) return;
    const name = `${project}:${same.facts.location}.${id}`;
    throw new ApiError('duplicate', `Already Exists: Job ${name}`);
  }
}

function checkSources(access: Access, statement: Statement, isExport: boolean): void {
  checkPolicyTags(access, statement);
  for (const { dataset, name } of statement.sources) {
    const table = `${dataset.project}:${dataset.name}.${name}`;
    access.require(
      'bigquery.tables.getData',
      `Access Denied: Table ${table}: User does not have permission to query table ${table}, or perhaps it does not exist.`,
    );
    if (!isExport) continue;
    access.require(
      'bigquery.tables.export',
      `Access Denied: Table ${table}: Permission bigquery.tables.export denied on table ${table} (or it may not exist).`,
    );
  }
}

/** Columns under policy tags need a right of their own, as soon as a query names them. */
function checkPolicyTags(access: Access, statement: Statement): void {
  for (const { schema, dataset, name } of withReads(statement.sources)) {
    const tagged = schema.find(
      (field) => field.policyTags !== undefined && statement.sql.includes(field.name),
    );
    if (tagged === undefined) continue;
    const tag = tagged.policyTags?.names[0]?.split('/').at(-1);
    access.require(
      'datacatalog.categories.fineGrainedGet',
      `Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get data protected by policy tag "Taxonomy : ${tag}" on column ${dataset.project}.${dataset.name}.${name}.${tagged.name}.`,
    );
  }
}
