import type { ApiRequest } from './http.ts';
import type { Fault } from './types.ts';

interface Armed {
  readonly fault: Fault;
  /** Matches still to let pass, then matches still to fail. */
  passes: number;
  failures: number;
}

/** The faults that are switched on. */
export class Faults {
  #armed: Armed[] = [];

  arm(fault: Fault): void {
    this.#armed.push({ fault, passes: (fault.nth ?? 1) - 1, failures: fault.times ?? 1 });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault that this request meets, if any; it counts as one match of every fault tried. */
  meet(request: ApiRequest): Fault | undefined {
    for (const each of this.#armed) {
      if (each.failures <= 0 || !matches(each.fault, request)) continue;
      if (each.passes > 0) {
        each.passes -= 1;
        continue;
      }
      each.failures -= 1;
      return each.fault;
    }
    return undefined;
  }
}

function matches(target: Fault, request: ApiRequest): boolean {
  const path = request.url.pathname + request.url.search;
  // Only a request that starts a job can make one fail.
  if (target.kind === 'job-error' && !startsJob(request)) return false;
  return (
    (target.service ?? request.service) === request.service &&
    (target.method ?? request.method) === request.method &&
    (target.path?.test(path) ?? true) &&
    (target.body?.test(request.body.toString('utf8')) ?? true)
  );
}

function startsJob({ method, parts }: ApiRequest): boolean {
  const [, , kind = '', id] = parts;
  return method === 'POST' && id === undefined && ['jobs', 'queries'].includes(kind);
}
