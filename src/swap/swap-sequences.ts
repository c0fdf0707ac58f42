import { quoteTable, type TableName } from '../postgres/quoting.ts';
import type { Dependents } from './dependencies/dependents.ts';
import { grantStatements } from './objects/grants.ts';
import {
  advanceSequence,
  lockSequence,
  type Sequence,
  setSequenceOwner,
} from './objects/sequences.ts';
import { isAmong } from './of-table.ts';
import { asideName } from './renames.ts';
import type { SwapValues } from './swap-step.ts';

/** Hands sequences over, or on, so that none falls behind the rows or behind what was drawn. */
export function finishSequences(
  dependents: Dependents,
  staging: TableName,
  values: SwapValues,
): readonly string[] {
  return dependents.sequences.flatMap((sequence) => {
    const maxValue = values.maxValues.get(quoteTable(sequence)) ?? null;
    const advance = maxValue === null ? [] : advanceSequence(sequence, null, maxValue);
    // That of a partitioned target stays with it.
    if (!isAmong(dependents.tables, sequence.table)) return [...lockSequence(sequence), ...advance];
    if (!sequence.identity) return [...setSequenceOwner(sequence), ...advance];
    return replaceIdentity(dependents, sequence, staging, values);
  });
}

/** The new table has an identity sequence of its own, which takes over from the old one. */
function replaceIdentity(
  { tables, grants }: Dependents,
  sequence: Sequence,
  staging: TableName,
  { maxValues, ownRole }: SwapValues,
): readonly string[] {
  const { schema } = sequence;
  const former = { schema, name: asideName(staging, 'SEQUENCE', sequence) };
  const owner = tables.find((table) => isAmong([table], sequence.table))?.owner ?? '';
  return [
    ...advanceSequence(sequence, former, maxValues.get(quoteTable(sequence)) ?? null),
    ...grantStatements(sequence, 'SEQUENCE', owner, grants, ownRole),
  ];
}
