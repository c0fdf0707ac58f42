import type { PhaseName } from './phase.ts';
import type { Report } from './report.ts';

/** A report that also keeps the seconds of each phase, and the warnings. */
export interface Timings {
  readonly report: Report;
  readonly seconds: Partial<Record<PhaseName, number>>;
  readonly warnings: string[];
}

/** Wraps `report`; phases of one name add up. */
export function timed(report: Report): Timings {
  const seconds: Partial<Record<PhaseName, number>> = {};
  const warnings: string[] = [];
  return {
    seconds,
    warnings,
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
        warnings.push(message);
        report.warn(message, fields);
      },
    },
  };
}
