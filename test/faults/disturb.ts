import type { Running } from '../scenarios/fixture.ts';
import type { PgBouncer } from '../server/pgbouncer.ts';
import type { Succession } from '../server/succession.ts';
import type { Dice } from './dice.ts';
import type { Scene } from './fault-fixture.ts';

/** What can happen to a run. */
export const KINDS = [
  'kill',
  'terminate',
  'interrupt',
  'hang up',
  'cut',
  'stall',
  'end backends',
  'cut by bytes',
  'http',
  'http and cut',
  'http and kill',
  'lock',
  'lock and kill',
  'lock and terminate',
  'pooler away',
  'failover',
] as const;
export type Kind = (typeof KINDS)[number];

/** A run ends well all the same: it connects again, or waits. */
const HARMLESS: ReadonlySet<Kind> = new Set([
  'cut',
  'stall',
  'end backends',
  'cut by bytes',
  'lock',
  'pooler away',
  'failover',
]);

export function isHarmless(kind: Kind): boolean {
  return HARMLESS.has(kind);
}

/** What a disturbance happens to. */
export interface Disturbed {
  readonly scene: Scene;
  readonly run: Running;
  readonly pooler: PgBouncer | undefined;
  readonly succession: Succession;
}

/** Does to a run that is under way what its kind says. */
export async function disturb(
  kind: Kind,
  { scene, run, pooler, succession }: Disturbed,
  dice: Dice,
): Promise<void> {
  const { proxy, world } = scene;
  if (kind.endsWith('kill')) run.kill('SIGKILL');
  else if (kind.endsWith('terminate')) run.kill('SIGTERM');
  else if (kind === 'interrupt') run.kill('SIGINT');
  else if (kind === 'hang up') run.kill('SIGHUP');
  else if (kind === 'end backends') {
    await world.database.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name LIKE 'bq_to_postgres%' AND datname = current_database()`;
  } else if (kind === 'stall') {
    proxy.stall(true);
    await Bun.sleep(dice.between(10, 200));
    proxy.stall(false);
  } else if (kind === 'pooler away') {
    await pooler?.restart();
  } else if (kind === 'failover') {
    proxy.refuse(true);
    proxy.cut();
    await succession.failOver(dice.between(0, 1000));
  } else if (kind.endsWith('cut')) {
    proxy.cut();
    await Bun.sleep(dice.between(10, 200));
    proxy.cut('latest');
  }
}
