import type { Server } from './connection/connection.ts';

/** A failed attempt, in the order in which they were made. */
export interface Attempt {
  readonly server: Server;
  readonly error: unknown;
}
