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
