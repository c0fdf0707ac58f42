import { ApiError, type ErrorProto } from './api-error.ts';
import type { Export } from './export-data.ts';
import type { QueryResult } from './query.ts';
import type { Table } from './table.ts';

/** What is asked for when a job is inserted. */
export interface JobRequest {
  readonly project: string;
  readonly id: string;
  readonly location: string | undefined;
  readonly query: string;
  /** `configuration` as it was sent, to be shown again. */
  readonly configuration: unknown;
  /** The error that a test wants this job to end with. */
  readonly failure: ErrorProto | undefined;
}

/** What is known of a job before it runs. */
export interface JobFacts {
  readonly request: JobRequest;
  readonly location: string;
  readonly statementType: string;
  readonly sources: readonly Table[];
  readonly bytesProcessed: bigint;
  readonly cacheHit: boolean;
}

/** One job: it runs from the moment that it is made. */
export class Job {
  readonly facts: JobFacts;
  readonly created = Date.now();
  ended: number | undefined;
  error: ApiError | undefined;
  result: QueryResult | undefined;
  exported: Export | undefined;
  readonly #cancelled = Promise.withResolvers<never>();
  readonly #done: Promise<void>;

  /** Runs `work` for at least `seconds`; what it exports is seen when the job is done. */
  constructor(facts: JobFacts, work: () => Promise<QueryResult | Export>, seconds: number) {
    this.facts = facts;
    this.#cancelled.promise.catch(() => {});
    this.#done = this.#run(work, seconds);
  }

  get state(): 'RUNNING' | 'DONE' {
    return this.ended === undefined ? 'RUNNING' : 'DONE';
  }

  cancel(): void {
    this.#cancelled.reject(
      new ApiError('stopped', 'Job execution was cancelled: User requested cancellation'),
    );
  }

  /** Waits until the job is done, however it ended, or so long. */
  async settled(timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, timeoutMs);
    await Promise.race([this.#done, late.promise]);
    clearTimeout(timer);
  }

  async #run(work: () => Promise<QueryResult | Export>, seconds: number): Promise<void> {
    try {
      const { failure } = this.facts.request;
      const outcome = failure === undefined ? work() : undefined;
      const all = Promise.all([outcome, Bun.sleep(seconds * 1000)]);
      all.catch(() => {}); // a cancelled job does not wait for it
      await Promise.race([all, this.#cancelled.promise]);
      if (failure !== undefined) throw new ApiError(failure.reason, failure.message);
      this.#keep((await outcome) as QueryResult | Export);
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError('internalError', String(error));
    }
    this.ended = Date.now();
  }

  #keep(outcome: QueryResult | Export): void {
    if (!('publish' in outcome)) {
      this.result = outcome;
      return;
    }
    outcome.publish();
    this.exported = outcome;
  }
}
