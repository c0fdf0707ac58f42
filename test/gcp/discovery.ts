import { ApiError } from './api-error.ts';
import discovery from './discovery.json' with { type: 'json' };
import type { ApiRequest } from './http.ts';

/** The fields that a body may have: another schema, anything, or fields of its own. */
type Shape = string | null | { readonly [name: string]: Shape };

interface Method {
  readonly verb: string;
  readonly path: string;
  readonly parameters: readonly string[];
  readonly request?: string;
}

const METHODS = Object.entries(discovery.methods as Readonly<Record<string, Method>>);
const SCHEMAS: Readonly<Record<string, Shape>> = discovery.schemas;

/** A method of Google's APIs, with the values of its path. */
export interface Call {
  /** Such as `bigquery.jobs.insert`. */
  readonly method: string;
  /** The values in the path, in its order. */
  readonly place: readonly string[];
}

/**
 * The method that a request calls. Answers 400, as the real services do, for whatever the discovery
 * documents (see `source` in discovery.json) do not know: parameters, and fields of the body.
 */
export function callOf(request: ApiRequest): Call {
  for (const [id, method] of METHODS) {
    if (!id.startsWith(request.service) || method.verb !== request.method) continue;
    const place = placeIn(method.path.split('/'), request.parts);
    if (place === undefined) continue;
    checkParameters(request.url.searchParams, method.parameters);
    if (method.request !== undefined) checkBody(request.json(), method.request, []);
    return { method: id, place };
  }
  const path = `${request.method} ${request.url.pathname}`;
  throw new ApiError('notImplemented', `the stand-in has no ${path}`);
}

function placeIn(path: readonly string[], parts: readonly string[]): string[] | undefined {
  if (path.length !== parts.length) return undefined;
  const place: string[] = [];
  for (const [at, part] of path.entries()) {
    const given = parts[at] ?? '';
    if (part.startsWith('{')) place.push(given);
    else if (part !== given) return undefined;
  }
  return place;
}

function checkParameters(given: URLSearchParams, known: readonly string[]): void {
  const unknown = [...given.keys()].find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new ApiError(
    'badRequest',
    `Invalid JSON payload received. Unknown name "${unknown}": Cannot bind query parameter. ` +
      `Field '${unknown}' could not be found in request message.`,
  );
}

function checkBody(value: unknown, shape: Shape, at: readonly string[]): void {
  const fields = typeof shape === 'string' ? (SCHEMAS[shape] ?? null) : shape;
  if (fields === null || typeof fields === 'string' || typeof value !== 'object') return;
  for (const item of [value].flat()) {
    for (const [name, inner] of Object.entries(item ?? {})) {
      const field = fields[name];
      if (field === undefined) {
        const place = at.length === 0 ? '' : ` at '${at.join('.')}'`;
        throw new ApiError(
          'badRequest',
          `Invalid JSON payload received. Unknown name "${name}"${place}: Cannot find field.`,
        );
      }
      checkBody(inner, field, [...at, name]);
    }
  }
}
