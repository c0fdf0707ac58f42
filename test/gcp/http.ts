import type { Service } from './types.ts';

/** A request, its body read whole. */
export interface ApiRequest {
  readonly service: Service;
  readonly method: string;
  readonly url: URL;
  /** The parts of the path after the service's own prefix, decoded. */
  readonly parts: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body as JSON; an empty object where there is none. */
  json(): Readonly<Record<string, unknown>>;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, unless it is a Buffer; absent where there is no body. */
  readonly body?: unknown;
}

export function ok(body: unknown): ApiResponse {
  return { status: 200, body };
}

/** The prefixes of a service's paths; the clients leave them out where an emulator is named. */
const PREFIXES: readonly (readonly [RegExp, Service])[] = [
  [/^\/computeMetadata\/v1\/?/, 'metadata'],
  [/^\/bigquery\/v2\//, 'bigquery'],
  [/^\/(?=projects\/)/, 'bigquery'],
  [/^\/(?:upload\/|download\/)?storage\/v1\//, 'storage'],
  [/^\/(?=b(?:$|\/|\?))/, 'storage'],
];

/** Which service a path belongs to, and its parts; the metadata server answers for the rest. */
export function routeOf(pathname: string): { service: Service; parts: string[] } {
  for (const [prefix, service] of PREFIXES) {
    if (!prefix.test(pathname)) continue;
    const rest = pathname.replace(prefix, '');
    return { service, parts: rest.split('/').filter(Boolean).map(decodeURIComponent) };
  }
  return { service: 'metadata', parts: [] };
}
