import type { Google, Settings } from './types.ts';

export type * from './types.ts';

export interface GoogleOptions {
  readonly settings?: Partial<Settings>;
}

/** Starts the stand-in on a free port of 127.0.0.1. Dispose of it with `await using`. */
export function startGoogle(options: GoogleOptions = {}): Promise<Google> {
  throw new Error(`not written yet ${JSON.stringify(options)}`);
}
