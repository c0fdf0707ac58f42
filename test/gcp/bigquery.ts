import { ApiError } from './api-error.ts';
import type { Backend } from './backend.ts';
import { callOf } from './discovery.ts';
import { type ApiRequest, type ApiResponse, ok } from './http.ts';
import { jobResource } from './job-resource.ts';
import { cancelJob, insertJob, queryResults, runQuery } from './job-routes.ts';
import type { Jobs } from './jobs.ts';
import { getTable } from './table-resource.ts';
import type { Fault } from './types.ts';

/** Answers BigQuery's REST API (discovery document bigquery v2), as far as the program uses it. */
export async function answerBigQuery(
  backend: Backend,
  jobs: Jobs,
  request: ApiRequest,
  fault: Fault | undefined,
): Promise<ApiResponse> {
  backend.access.authenticate(request, false);
  const { settings } = backend;
  const { method, place } = callOf(request);
  const [project = '', id = '', table = ''] = place;
  checkProject(backend, project);
  const job = () => jobs.get(project, id, request.url.searchParams.get('location') ?? undefined);
  switch (method) {
    case 'bigquery.jobs.insert':
      return await insertJob(jobs, project, request, settings, fault);
    case 'bigquery.jobs.query':
      return await runQuery(jobs, project, request, settings);
    case 'bigquery.jobs.get':
      return ok(jobResource(job(), settings));
    case 'bigquery.jobs.cancel':
      return cancelJob(job(), settings);
    case 'bigquery.jobs.getQueryResults':
      return await queryResults(job(), request, settings);
    default:
      return await getTable(backend, project, id, table);
  }
}

/** A client that did not fill in its project's name is refused, as by the real service. */
function checkProject({ project: own, warehouse }: Backend, project: string): void {
  if (!/^[a-z][a-z0-9-]{4,61}[a-z0-9]$/.test(project)) {
    throw new ApiError(
      'invalid',
      `Invalid project ID '${project}'. Project IDs must contain 6-63 lowercase letters, digits, ` +
        'or dashes. Some project IDs also include domain name separated by a colon. ' +
        'IDs must start with a letter and may not end with a dash.',
    );
  }
  if (project === own || warehouse.hasProject(project)) return;
  throw new ApiError(
    'accessDenied',
    `Access Denied: Project ${project}: User does not have bigquery.jobs.create permission in project ${project}.`,
  );
}
