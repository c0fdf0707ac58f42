/**
 * The one of `names` that a misspelt `word` most likely means: the same letters in another style
 * (`bqTable`, `bq_table`), one word of a name (`bucket`), or a slip of a few letters.
 */
export function suggest<Name extends string>(
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

/** Letters to add, drop or change (Levenshtein distance), row by row of the usual table. */
function editsBetween(from: string, to: string): number {
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const change = from[row - 1] === to[column - 1] ? 0 : 1;
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + change,
      );
    }
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
