import { type Call, type Cloud, type CloudSettings, type Json, Refusal, text } from './cloud.ts';
import { bigquery, databases, storage } from './data.ts';
import { credentials, login, project, secrets, serviceAccounts } from './iam.ts';
import { compute, peerings } from './network.ts';
import { batches, jobs, logging, monitoring, repositories, schedules } from './runs.ts';

type Service = (cloud: Cloud, call: Call) => Json | Promise<Json>;

const SERVICES: Readonly<Record<string, Service>> = {
  artifactregistry: repositories,
  batch: batches,
  bigquery,
  cloudbilling: () => ({ billingEnabled: true }),
  cloudresourcemanager: project,
  cloudscheduler: schedules,
  compute,
  iam: serviceAccounts,
  iamcredentials: credentials,
  logging,
  monitoring,
  oslogin: login,
  run: jobs,
  secretmanager: secrets,
  servicenetworking: peerings,
  serviceusage: enable,
  sqladmin: databases,
  storage,
};

/** Services of a project that can be called before anything is enabled. */
const ALWAYS_ON = new Set(['cloudbilling', 'serviceusage']);

export function emptyCloud(settings: CloudSettings): Cloud {
  return {
    resources: new Map(),
    enabled: new Set(),
    calls: [],
    settings,
    refusedOnce: new Set(),
    atItsHeight: new Map(),
  };
}

/** Answers one request of the Cloud SDK as Google's control plane would, and keeps it. */
export async function answer(
  cloud: Cloud,
  host: string,
  request: Request,
  section: string,
): Promise<Response> {
  const url = new URL(request.url);
  const bytes = new Uint8Array(await request.arrayBuffer());
  const service = host
    .replace(/\.googleapis\.com$/, '')
    .replace(/^[a-z]+-[a-z]+\d-/, '')
    .replace(/^www$/, 'storage');
  const { method } = request;
  const call = {
    service,
    method,
    path: url.pathname,
    query: url.searchParams,
    body: parse(bytes),
    bytes,
    section,
  };
  if (section.startsWith('11.') && cloud.atItsHeight.size === 0)
    cloud.atItsHeight = structuredClone(cloud.resources);
  cloud.calls.push(call);
  try {
    return Response.json(await serve(cloud, call));
  } catch (error) {
    const code = error instanceof Refusal ? error.status : 500;
    const message = error instanceof Error ? error.message : String(error);
    const status =
      code === 404 ? 'NOT_FOUND' : code === 403 ? 'PERMISSION_DENIED' : 'FAILED_PRECONDITION';
    const errors = [{ message, domain: 'global', reason: status }];
    return Response.json({ error: { code, message, status, errors } }, { status: code });
  }
}

function serve(cloud: Cloud, call: Call): Json | Promise<Json> {
  const service = SERVICES[call.service];
  if (service === undefined) throw new Refusal(404, `no service ${call.service}`);
  if (!ALWAYS_ON.has(call.service) && !cloud.enabled.has(`${call.service}.googleapis.com`))
    throw new Refusal(
      403,
      `${call.service}.googleapis.com has not been used in project before or it is disabled`,
    );
  return service(cloud, call);
}

function enable(cloud: Cloud, call: Call): Json {
  const one = /services\/([\w.]+):enable$/.exec(call.path)?.[1];
  for (const id of (call.body['serviceIds'] as readonly string[] | undefined) ?? [one ?? ''])
    cloud.enabled.add(text({ id }, 'id'));
  return { name: 'operations/o', done: true, response: {} };
}

function parse(bytes: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    return {};
  }
}
