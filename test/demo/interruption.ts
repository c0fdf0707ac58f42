/** How the demo ends when it is called off. */
export interface Interruption {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, or when nobody reads the output; later ones change nothing. */
  readonly signal: AbortSignal;
  /** What shells expect, 128 + n; 0 while there was no signal. */
  exitCode(): number;
  /** `promise`, or a rejection as soon as the demo is called off. */
  orEnd<Value>(promise: Promise<Value>): Promise<Value>;
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode = 0;
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      exitCode ||= 128 + number;
      controller.abort(new Error(`interrupted by ${name}`));
    });
  }
  // The reader of the output has gone, as with `| head`.
  process.stdout.on('error', (error) => controller.abort(error));
  const { signal } = controller;
  const called = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  called.catch(() => undefined);
  return { signal, exitCode: () => exitCode, orEnd: (promise) => Promise.race([promise, called]) };
}
