/** A resource, request body or answer of Google's REST APIs. */
export type Json = { readonly [name: string]: unknown };

/** One request that the Cloud SDK made. */
export interface Call {
  /** The first word of the host: `compute`, `sqladmin`, `europe-west1-run`, ... */
  readonly service: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Json;
  /** The body as it came, for uploads. */
  readonly bytes: Uint8Array;
  /** The section of the instructions whose block made it. */
  readonly section: string;
}

/** Thrown by a service to refuse a request, as the real one would. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * What exists in the project, by name: `networks/n`, `subnets/s`, `buckets/b/o/object`, ... and the
 * members of roles by `iam/RESOURCE`.
 */
export type Resources = Map<string, Json>;

/** The values that a test gives to the cloud, and the state that it reads back. */
export interface Cloud {
  readonly resources: Resources;
  readonly enabled: Set<string>;
  readonly calls: Call[];
  readonly settings: CloudSettings;
  /** Things that the real services refuse once and allow later, by name. */
  readonly refusedOnce: Set<string>;
  /** What the instructions had built when the take-down began. */
  atItsHeight: Resources;
}

export interface CloudSettings {
  readonly project: string;
  readonly account: string;
  /** The private address that Cloud SQL gets, and its authority in PEM. */
  readonly databaseAddress: string;
  readonly databaseAuthority: string;
  /** The access token that impersonation answers with. */
  readonly token: string;
  /** Told of a database user: `password` is undefined for one that logs in by IAM. */
  readonly onDatabaseUser: (name: string, password: string | undefined) => Promise<void>;
  readonly onDatabase: (name: string) => Promise<void>;
}

export function get(cloud: Cloud, name: string): Json {
  const found = cloud.resources.get(name);
  if (found === undefined) throw new Refusal(404, `${name} was not found`);
  return found;
}

/** Stores what did not exist yet. */
export function create<T extends Json>(cloud: Cloud, name: string, resource: T): T {
  if (cloud.resources.has(name)) throw new Refusal(409, `${name} already exists`);
  cloud.resources.set(name, resource);
  return resource;
}

export function remove(cloud: Cloud, name: string): void {
  get(cloud, name);
  cloud.resources.delete(name);
}

/** The resources whose names begin with `prefix`, named. */
export function list(cloud: Cloud, prefix: string): readonly (readonly [string, Json])[] {
  return [...cloud.resources].filter(([name]) => name.startsWith(prefix));
}

/** Refuses while any resource below one of `prefixes` mentions `word`. */
export function refuseWhileUsed(cloud: Cloud, word: string, prefixes: readonly string[]): void {
  for (const prefix of prefixes)
    for (const [name, resource] of list(cloud, prefix))
      if (JSON.stringify(resource).includes(word))
        throw new Refusal(400, `${word} is being used by ${name}`);
}

/** Refuses the first time: some services let go of what they hold only later. */
export function refuseOnce(cloud: Cloud, name: string, message: string): void {
  if (cloud.refusedOnce.has(name)) return;
  cloud.refusedOnce.add(name);
  throw new Refusal(400, message);
}

/** The string at `path` of `json`, or `''`. */
export function text(json: unknown, ...path: readonly string[]): string {
  const value = at(json, ...path);
  return value === undefined || value === null ? '' : String(value);
}

export function at(json: unknown, ...path: readonly string[]): unknown {
  let value = json;
  for (const name of path)
    value = typeof value === 'object' && value !== null ? (value as Json)[name] : undefined;
  return value;
}

/** The last part of a resource's path or URL. */
export function lastPart(path: string): string {
  return path.split('/').at(-1) ?? '';
}

/** The service accounts that are named in a resource must exist. */
export function checkServiceAccounts(cloud: Cloud, resource: unknown): void {
  for (const [email] of JSON.stringify(resource).matchAll(
    /[\w-]+@[\w-]+\.iam\.gserviceaccount\.com/g,
  ))
    get(cloud, `accounts/${email}`);
}
