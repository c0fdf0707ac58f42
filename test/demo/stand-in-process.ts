export const DATASET = 'demo';
export const BUCKET = 'demo-bucket';

/** What the demo asks of the stand-in; `fill` and `late flights` answer with the rows that came. */
export type Question = keyof Answers;

export interface Answers {
  readonly env: Readonly<Record<string, string>>;
  readonly fill: { readonly flights: number; readonly earthquakes: number };
  readonly 'late flights': number;
  readonly sums: readonly string[];
  /** How many objects are in the bucket. */
  readonly objects: number;
}

export interface StandIn extends AsyncDisposable {
  /** One question at a time. */
  ask<Asked extends Question>(question: Asked): Promise<Answers[Asked]>;
}

interface Message {
  readonly question: string;
  readonly answer?: unknown;
  readonly error?: string;
}

/** Starts the stand-in as a process; the first question waits until it is up. */
export function startStandIn(): StandIn {
  let waiting = Promise.withResolvers<unknown>();
  const started = waiting.promise;
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/stand-in.ts`], {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    ipc({ answer, error }: Message) {
      if (error === undefined) waiting.resolve(answer);
      else waiting.reject(new Error(`the stand-in failed: ${error}`));
    },
    onExit: () => waiting.reject(new Error('the stand-in for Google has ended')),
  });
  // It may end when nobody waits, which is how it is stopped.
  started.catch(() => undefined);
  return {
    async ask<Asked extends Question>(question: Asked) {
      await started;
      waiting = Promise.withResolvers();
      waiting.promise.catch(() => undefined);
      child.send(question);
      return (await waiting.promise) as Answers[Asked];
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
