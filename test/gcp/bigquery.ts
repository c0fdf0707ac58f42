import { ApiError } from './api-error.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import type { Jobs, World } from './jobs.ts';
import { createQueryRoutes } from './query-routes.ts';
import { createTableRoutes } from './table-routes.ts';
import type { Fault } from './types.ts';

/** Makes BigQuery's REST API (discovery document bigquery v2), as far as the clients use it. */
export function createBigQuery(world: World, jobs: Jobs) {
  const queries = createQueryRoutes(world, jobs);
  const tables = createTableRoutes(world);
  return async (request: ApiRequest, fault: Fault | undefined): Promise<ApiResponse> => {
    world.access.authenticate(request, false);
    const [, project = '', kind, first, second, third] = request.parts;
    checkProject(world, project);
    const { method } = request;
    if (kind === 'jobs' && first === undefined) {
      if (method === 'POST') return await queries.insert(request, project, fault);
      return queries.list(request, project);
    }
    if (kind === 'jobs' && first !== undefined) {
      if (second === 'cancel') return queries.cancel(request, project, first);
      if (second === 'delete') return queries.delete(request, project, first);
      return queries.get(request, project, first);
    }
    if (kind === 'queries') {
      if (first === undefined) return await queries.query(request, project, fault);
      return await queries.results(request, project, first);
    }
    if (kind === 'datasets' && method === 'GET') {
      if (first === undefined) return tables.listDatasets(project);
      if (second === undefined) return tables.getDataset(project, first);
      if (third === undefined) return tables.listTables(request, project, first);
      return await tables.getTable(project, first, third);
    }
    throw new ApiError('notImplemented', `the stand-in has no ${method} ${request.url.pathname}`);
  };
}

/** A client that did not fill in its project's name is told so, as the real service does. */
function checkProject(world: World, project: string): void {
  if (!/^[a-z][a-z0-9-]{4,61}[a-z0-9]$/.test(project)) {
    throw new ApiError(
      'invalid',
      `Invalid project ID '${project}'. Project IDs must contain 6-63 lowercase letters, digits, ` +
        'or dashes. Some project IDs also include domain name separated by a colon. ' +
        'IDs must start with a letter and may not end with a dash.',
    );
  }
  if (project === world.project || world.warehouse.datasets(project).length > 0) return;
  throw new ApiError(
    'accessDenied',
    `Access Denied: Project ${project}: User does not have bigquery.jobs.create permission in project ${project}.`,
  );
}
