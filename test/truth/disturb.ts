import type { TcpProxy } from '../faults/proxy.ts';
import type { Google } from '../gcp/google.ts';
import type { Running } from '../scenarios/fixture.ts';
import type { Change } from './model.ts';
import { act, type Done, type User } from './user-actions.ts';
import type { Disturbance } from './user-steps.ts';

/** What a disturbance has to do with. */
export interface Surroundings extends User {
  readonly google: Google;
  /** Between the run and PostgreSQL. */
  readonly proxy: TcpProxy;
  readonly running: () => Running;
  /** Runs a second time, to its end, as other timers do; what that may have done. */
  readonly runBeside: () => Promise<Change>;
  /** The server loses its last commits; nothing where it cannot. */
  readonly failOver: () => Promise<Change>;
}

/**
 * What happens at the moment of a disturbance: before the statement or the request goes on, or after
 * it was done, and its answer is lost.
 */
interface Happening {
  readonly before?: (around: Surroundings) => Promise<Change>;
  readonly isAnswerLost?: boolean;
  /** Nobody sees how the run ends. */
  readonly hidesEnd: boolean;
}

const cut = async ({ proxy }: Surroundings) => {
  proxy.cut();
  return [];
};

const kill =
  (signal: NodeJS.Signals) =>
  async ({ running }: Surroundings) => {
    running().kill(signal);
    return [];
  };

const HAPPENINGS: Readonly<Record<string, Happening>> = {
  kill: { before: kill('SIGKILL'), hidesEnd: true },
  SIGTERM: { before: kill('SIGTERM'), hidesEnd: true },
  SIGINT: { before: kill('SIGINT'), hidesEnd: true },
  cut: { before: cut, hidesEnd: true },
  'lose the answer': { isAnswerLost: true, hidesEnd: true },
  'second run': { before: ({ runBeside }) => runBeside(), hidesEnd: false },
  'take over': { before: takeOver, hidesEnd: true },
  'fail over': { before: failOver, hidesEnd: true },
};

/** What was done to a run. */
export interface Disturbed extends Done {
  readonly hidesEnd: boolean;
}

/** Sets what is to happen to the run; when that has ended, the answer tells what did. */
export function disturb(
  around: Surroundings,
  { at, what, which }: Disturbance,
): () => Promise<Disturbed> {
  let doing: Promise<Disturbed> = Promise.resolve({ change: [], robs: false, hidesEnd: false });
  const happening = HAPPENINGS[what];
  const meanwhile = () => {
    doing =
      happening === undefined
        ? act(around, what as Parameters<typeof act>[1], which).then((done) => ({
            ...done,
            hidesEnd: false,
          }))
        : happens(around, happening);
    return doing;
  };
  if (at.of === 'request') {
    const kind = happening?.isAnswerLost ? 'drop-answer' : 'pause';
    around.google.fail({ nth: at.nth, kind, meanwhile });
  } else {
    const what = happening?.isAnswerLost ? 'cut' : 'pause';
    void around.proxy.trap({ when: /^Q/, nth: at.nth, what, meanwhile });
  }
  if (happening?.isAnswerLost) doing = happens(around, happening);
  return () => doing;
}

async function happens(around: Surroundings, { before, hidesEnd }: Happening): Promise<Disturbed> {
  return { change: (await before?.(around)) ?? [], robs: false, hidesEnd };
}

/** The run loses its connections, and finds none until another run has done its work. */
async function takeOver({ proxy, runBeside }: Surroundings): Promise<Change> {
  proxy.refuse(true);
  proxy.cut();
  const change = await runBeside();
  proxy.refuse(false);
  return change;
}

async function failOver({ proxy, failOver }: Surroundings): Promise<Change> {
  const change = await failOver();
  proxy.cut();
  return change;
}
