/**
 * The one of `names` that a misspelt `word` most likely means: the same letters in another style
 * (`bqTable`, `bq_table`), one word of a name (`bucket`), or a slip of a few letters.
 */
export function nearest<Name extends string>(
  word: string,
  names: readonly Name[],
): Name | undefined {
  const letters = lettersOf(word);
  const holders = names.filter((name) => name.split('-').includes(letters));
  if (holders.length === 1) return holders[0];
  let best: Name | undefined;
  let fewest = Math.max(1, Math.floor(letters.length / 3)) + 1;
  for (const name of names) {
    const edits = editsBetween(letters, lettersOf(name));
    if (edits < fewest) [best, fewest] = [name, edits];
  }
  return best;
}

function lettersOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Letters to add, drop, change or swap with their neighbour (optimal string alignment distance). */
function editsBetween(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
