import type { Access } from './access.ts';
import type { Buckets } from './buckets.ts';
import type { Settings } from './types.ts';
import type { Warehouse } from './warehouse.ts';

/** What the stand-in's services work on. */
export interface Backend {
  /** The project of the credentials. */
  readonly project: string;
  readonly warehouse: Warehouse;
  readonly buckets: Buckets;
  readonly access: Access;
  readonly settings: Settings;
}
