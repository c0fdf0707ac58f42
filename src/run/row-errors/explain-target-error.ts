import { ProjectorError } from '../../errors.ts';
import type { Plan } from '../../plan/plan.ts';
import { quoteIdentifier } from '../../postgres/quoting.ts';
import { UNIQUE_VIOLATION } from '../../postgres/sqlstates.ts';
import { explainViolation } from '../../swap/constraint-violations.ts';
import { stagingIndexName } from '../../swap/objects/indexes.ts';
import { equalKeysQuery, longestValuesQuery } from './row-query.ts';

/**
 * What to tell of rows that a constraint or an index of the target does not take, with the query that
 * finds them in BigQuery where there is one. Any other error is given back as it is.
 */
export function explainTargetError(plan: Plan, error: unknown): unknown {
  const explained = explainViolation(error, plan.target);
  if (!(explained instanceof ProjectorError)) return explained;
  const more = moreOf(plan, explained);
  if (more === undefined) return explained;
  const { code, message, hint = '', cause } = explained;
  return new ProjectorError({ code, message, hint: `${hint} ${more}`, cause });
}

function moreOf(plan: Plan, { code, cause }: ProjectorError): string | undefined {
  if (code === 'INDEX_ROW_TOO_LARGE') return `The longest values: ${longestValuesQuery(plan)}`;
  const { code: state, constraint_name: name } = (cause ?? {}) as Partial<Record<string, string>>;
  if (code !== 'CONSTRAINT_VIOLATED' || state !== UNIQUE_VIOLATION) return undefined;
  if (plan.key !== undefined && isPrimaryKey(plan, name)) {
    return `Keys that are there twice: ${equalKeysQuery(plan)}`;
  }
  if (plan.mode === 'full') return undefined;
  // Rows of one batch can break it in passing, as where two of them swap their values.
  return `If rows of this increment only swap their values, have it checked at the end: drop ${quoteIdentifier(name ?? '')} and add it again as UNIQUE (...) DEFERRABLE INITIALLY DEFERRED.`;
}

/** A full load is told of the index by the name that it has on staging. */
function isPrimaryKey(plan: Plan, name: string | undefined): boolean {
  if (plan.mode !== 'full') return false;
  if (plan.dependents === undefined) return true;
  const keys = plan.dependents.indexes.filter(({ constraint }) => constraint?.primary);
  return keys.some((index) => name === stagingIndexName(index, plan.staging));
}
