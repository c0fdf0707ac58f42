import type postgres from 'postgres';
import { quoteIdentifier, quoteTable, type TableName } from '../../postgres/quoting.ts';
import { cancellable } from '../cancellable-query.ts';
import { explainViolation } from '../constraint-violations.ts';
import { tellOfHolders } from '../lock-holders.ts';
import { isLockError, type LockRetry, lockTimeout, retryForLocks } from '../lock-retry.ts';
import { createForeignKey, type ForeignKey } from '../objects/foreign-keys.ts';
import { isAmong } from '../of-table.ts';
import { lockTimeoutError } from '../swap-locks.ts';
import { stagingOf, temporaryName } from '../temporary-names.ts';
import { DONE } from './build-percent.ts';
import type { BuildPlan } from './build-plan.ts';
import { type BuildProgress, UNCOUNTED } from './index-progress.ts';

/**
 * Adds the target's foreign keys to staging and checks its rows against them, also against those
 * declared NOT VALID. A key is added NOT VALID and validated apart, since only then are writers of
 * the referenced table blocked for no longer than an instant.
 */
export async function addForeignKeysToStaging(
  sql: postgres.Sql,
  plan: BuildPlan,
  foreignKeys: readonly ForeignKey[],
  lockRetry: LockRetry,
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const tell = tellOfHolders(sql, plan.warn ?? (() => undefined));
  for (const key of foreignKeys) {
    const object = `foreign key ${quoteIdentifier(key.name)} of ${quoteTable(key.table)}`;
    onProgress({ object, phase: 'validating foreign key', ...UNCOUNTED });
    const isReplaced = isAmong(plan.dependents?.tables ?? [], key.references);
    const place = {
      staging: stagingOf(plan, key.table),
      references: isReplaced ? stagingOf(plan, key.references) : key.references,
    };
    try {
      await addForeignKeyToStaging(sql, key, place, {
        ...lockRetry,
        onWait: (wait) => tell(wait, [place.references]),
      });
    } catch (error) {
      if (isLockError(error)) throw await lockTimeoutError(sql, place.references, error);
      throw explainViolation(error, key.table, key.name);
    }
    onProgress({ object, phase: DONE, ...UNCOUNTED });
  }
}

interface Place {
  readonly staging: TableName;
  readonly references: TableName;
}

async function addForeignKeyToStaging(
  sql: postgres.Sql,
  key: ForeignKey,
  place: Place,
  lockRetry: LockRetry,
): Promise<void> {
  const existing = await readForeignKeyStates(sql, place.staging);
  if (existing.get(key.name) === true || (existing.has(key.name) && !key.validated)) return;
  const alter = `ALTER TABLE ${quoteTable(place.staging)}`;
  const add = (name: string, suffix: string) =>
    createForeignKey({ ...key, name, after: key.after + suffix }, place.staging, place.references);
  const run = (...statements: readonly string[]) => runWithLockRetry(sql, statements, lockRetry);
  const validate = (name: string) =>
    sql.begin(async (transaction) => {
      await transaction`SET LOCAL statement_timeout = 0`;
      const statement = `${alter} VALIDATE CONSTRAINT ${quoteIdentifier(name)}`;
      await cancellable(transaction.unsafe(statement), lockRetry.signal);
    });

  if (!key.enforced || (key.validated && key.toPartitioned)) {
    await run(...add(key.name, ''));
  } else if (key.validated) {
    if (!existing.has(key.name)) await run(...add(key.name, ' NOT VALID'));
    await validate(key.name);
  } else {
    const trial = temporaryName(place.staging, ['foreign key', key]);
    if (!existing.has(trial)) await run(...add(trial, ''));
    await validate(trial);
    await run(`${alter} DROP CONSTRAINT ${quoteIdentifier(trial)}`, ...add(key.name, ''));
  }
}

async function readForeignKeyStates(
  sql: postgres.Sql,
  staging: TableName,
): Promise<ReadonlyMap<string, boolean>> {
  const rows = await sql<{ name: string; validated: boolean }[]>`
    SELECT conname AS name, convalidated AS validated FROM pg_constraint
    WHERE conrelid = ${quoteTable(staging)}::regclass AND contype = 'f' AND conparentid = 0`;
  return new Map(rows.map(({ name, validated }) => [name, validated]));
}

async function runWithLockRetry(
  sql: postgres.Sql,
  statements: readonly string[],
  lockRetry: LockRetry,
): Promise<void> {
  await retryForLocks(sql, lockRetry, (budgetMs) =>
    sql.begin(async (transaction) => {
      await transaction.unsafe(lockTimeout(budgetMs));
      for (const statement of statements) await transaction.unsafe(statement);
    }),
  );
}
