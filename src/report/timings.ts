import type { PhaseName } from './phase.ts';
import { countedText, kindOf } from './repeats.ts';
import type { Report } from './report.ts';

/** A report that also keeps the seconds of each phase, and the warnings. */
export interface Timings {
  readonly report: Report;
  readonly seconds: Partial<Record<PhaseName, number>>;
  /** Each kind once, with the number of others. */
  readonly warnings: readonly string[];
}

/** Wraps `report`; phases of one name add up. */
export function timed(report: Report): Timings {
  const seconds: Partial<Record<PhaseName, number>> = {};
  const kinds = new Map<string, { readonly warning: string; others: number }>();
  return {
    seconds,
    get warnings() {
      return [...kinds.values()].map(({ warning, others }) => countedText(warning, others));
    },
    report: {
      ...report,
      phase(name, expected) {
        const began = performance.now();
        const phase = report.phase(name, expected);
        let open = true;
        return {
          advance: (done, also) => phase.advance(done, also),
          finish() {
            if (open) seconds[name] = (seconds[name] ?? 0) + (performance.now() - began) / 1000;
            open = false;
            phase.finish();
          },
        };
      },
      warn(message, fields) {
        const kind = kinds.get(kindOf(message));
        if (kind === undefined) kinds.set(kindOf(message), { warning: message, others: 0 });
        else kind.others++;
        report.warn(message, fields);
      },
    },
  };
}
