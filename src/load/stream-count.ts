import type { StreamLimit } from './stream-limit.ts';

/** Streams that a load begins with. */
const FIRST_STREAMS = 2;

/** Growth of throughput that a further stream has to bring to be kept. */
const GAIN = 1.1;

/** How many streams a load should run, as it goes. */
export interface StreamControl {
  /** Streams that should be running now. */
  readonly wanted: number;
  /** Why not more. */
  readonly reason: string;
  /** Told the rows loaded so far, with the time in milliseconds; may change `wanted`. */
  observe(rows: number, nowMs: number): void;
}

/** Times of a try, in milliseconds. */
interface Try {
  /** What a stream sends at first fills the buffers on the way, and says nothing of the server. */
  readonly fillingMs: number;
  readonly measuredMs: number;
}

const TRY: Try = { fillingMs: 500, measuredMs: 2500 };

/**
 * Finds the number of streams while the load runs: begins with two, adds one after each try in which
 * throughput grew by more than a tenth, and takes the last one back when it did not in two tries: on a
 * slow line throughput goes up and down by that much.
 */
export class StreamCount implements StreamControl {
  readonly #limit: StreamLimit;
  readonly #try: Try;
  #wanted: number;
  #reason: string;
  #settled: boolean;
  /** The best throughput so far, in rows per millisecond. */
  #best = 0;
  /** The last try brought less than GAIN; the next one decides. */
  #doubtful = false;
  #changedMs: number | undefined;
  #from: { readonly rows: number; readonly ms: number } | undefined;

  constructor(limit: StreamLimit, times = TRY) {
    this.#limit = limit;
    this.#try = times;
    this.#wanted = Math.min(FIRST_STREAMS, limit.most);
    this.#settled = this.#wanted === limit.most;
    this.#reason = this.#settled ? limit.reason : 'it was done before more were tried';
  }

  get wanted(): number {
    return this.#wanted;
  }

  get reason(): string {
    return this.#reason;
  }

  observe(rows: number, nowMs: number): void {
    if (this.#settled) return;
    this.#changedMs ??= nowMs;
    if (nowMs < this.#changedMs + this.#try.fillingMs) return;
    this.#from ??= { rows, ms: nowMs };
    const elapsed = nowMs - this.#from.ms;
    if (elapsed < this.#try.measuredMs) return;
    this.#decide((rows - this.#from.rows) / elapsed);
    this.#changedMs = nowMs;
    this.#from = undefined;
  }

  #decide(rate: number): void {
    if (rate > this.#best * GAIN) {
      this.#best = rate;
      this.#doubtful = false;
      this.#grow();
    } else if (!this.#doubtful) {
      this.#doubtful = true;
    } else {
      this.#wanted -= 1;
      this.#settle('one more brought less than a tenth');
    }
  }

  #grow(): void {
    if (this.#wanted < this.#limit.most) this.#wanted += 1;
    else this.#settle(this.#limit.reason);
  }

  #settle(reason: string): void {
    this.#settled = true;
    this.#reason = reason;
  }
}
