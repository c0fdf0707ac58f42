import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../gcp/google.ts';
import { type PgBouncer, startPgBouncer } from '../server/pgbouncer.ts';
import type { Succession } from '../server/succession.ts';
import type { Dice } from './dice.ts';
import type { Kind } from './disturb.ts';
import type { Scene } from './fault-fixture.ts';

/** The way of one run to its database. */
export interface Way extends AsyncDisposable {
  readonly uri: string;
  readonly pooler: PgBouncer | undefined;
}

/** A list of hosts for a failover; else one run in four goes by a pooler in session mode. */
export async function openWay(
  { proxy, world }: Scene,
  succession: Succession,
  kind: Kind,
  dice: Dice,
): Promise<Way> {
  await using stack = new AsyncDisposableStack();
  const uri = proxy.through(world.database.uri);
  if (kind === 'failover') {
    await succession.addStandby();
    return wayOf(succession.listHosts(uri), undefined, stack.move());
  }
  const poolSize = dice.pick([20, 2, 1]);
  if (dice.between(0, 4) > 0 && kind !== 'pooler away') return wayOf(uri, undefined, stack.move());
  const port = Number(new URL(uri).port);
  const pooler = stack.use(await startPgBouncer({ mode: 'session', port, poolSize }));
  return wayOf(pooler.through(uri), pooler, stack.move());
}

function wayOf(uri: string, pooler: PgBouncer | undefined, opened: AsyncDisposableStack): Way {
  return { uri, pooler, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Faults that are met later, by the services or by the connections. */
export function setFaults({ proxy, world }: Scene, kind: Kind, dice: Dice): void {
  if (kind.startsWith('http')) {
    for (let left = dice.between(1, 5); left > 0; left -= 1) world.google.fail(httpFault(dice));
  }
  if (kind === 'cut by bytes') proxy.cutAfter(dice.between(100, 60_000), dice.between(1, 4));
}

function httpFault(dice: Dice): Fault {
  const service = dice.pick<'bigquery' | 'storage'>(['bigquery', 'storage']);
  const target = { service, nth: dice.between(1, 8) };
  const afterBytes = dice.between(0, 5000);
  return dice.pick<Fault>([
    { ...target, kind: 'error', status: dice.pick([500, 502, 503, 429]) },
    { ...target, kind: 'drop' },
    { ...target, kind: 'drop-answer' },
    { ...target, service: 'storage', path: /alt=media/, kind: 'cut', afterBytes },
    { ...target, kind: 'delay', ms: dice.between(50, 400) },
    { service: 'bigquery', body: /EXPORT DATA/, kind: 'job-error', reason: 'jobInternalError' },
  ]);
}

/** Transactions that are forgotten, or take their time. */
const LOCKING = [
  'CREATE INDEX ON target (name)',
  `UPDATE target SET name = name || '?'`,
  'LOCK TABLE target',
];

/**
 * A transaction of somebody else, which changes the target and takes it back after a while: disposing of
 * it waits for that. For other kinds than locks there is none.
 */
export async function holdLock({ world }: Scene, kind: Kind, dice: Dice): Promise<AsyncDisposable> {
  if (!kind.startsWith('lock')) return new AsyncDisposableStack();
  const [statement, heldMs] = [dice.pick(LOCKING), dice.between(100, 3000)];
  const session = await world.database.sql.reserve();
  const [row] = await session`SELECT to_regclass('target') IS NOT NULL AS there`;
  await session.unsafe(row?.['there'] ? `BEGIN; ${statement}` : 'BEGIN');
  const ended = sleep(heldMs).then(async () => {
    await session`ROLLBACK`;
    session.release();
  });
  return { [Symbol.asyncDispose]: () => ended };
}
