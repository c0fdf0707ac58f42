import { ApiError } from './api-error.ts';
import { type Token, tokenize } from './sql-lexer.ts';
import type { Table } from './table.ts';

/**
 * Refuses a query on a table that asks for a partition filter, where no predicate references the
 * partition column and no other column. Asked of views, it is asked of the tables that they read;
 * either the view's own WHERE or that of the query will do. (Documentation: "Require a partition
 * filter in queries", with the cases of AND and OR.)
 */
export function checkPartitionFilters(sources: readonly Table[], ...queries: readonly string[]) {
  for (const table of sources) {
    const { query } = table.options;
    if (query !== undefined) checkPartitionFilters(table.reads, query, ...queries);
    const column = requiredColumn(table);
    if (column === undefined) continue;
    const predicates = queries.flatMap((sql) => predicatesOf(tokenize(sql)));
    if (predicates.some((predicate) => isFilter(predicate, table, column))) continue;
    const path = `${table.dataset.project}.${table.dataset.name}.${table.name}`;
    throw new ApiError(
      'invalidQuery',
      `Cannot query over table '${path}' without a filter over column(s) '${column}' ` +
        'that can be used for partition elimination',
      { location: 'query' },
    );
  }
}

/** Time, integer range and ingestion time; of external tables, the first key of their layout. */
function requiredColumn({ options }: Table): string | undefined {
  const { timePartitioning: time, rangePartitioning: range } = options;
  const hive = options.externalDataConfiguration?.hivePartitioningOptions;
  if (hive?.requirePartitionFilter === true) return hive.fields[0];
  if ((options.requirePartitionFilter ?? time?.requirePartitionFilter) !== true) return undefined;
  return time?.field ?? range?.field ?? '_PARTITIONTIME';
}

function isFilter(predicate: readonly Token[], { schema }: Table, column: string): boolean {
  const wanted = column.toLowerCase();
  const columns = new Set([wanted, ...schema.map(({ name }) => name.toLowerCase())]);
  const names = predicate
    .filter(({ kind }) => kind === 'word' || kind === 'quoted')
    .map(({ text }) => text.toLowerCase())
    .filter((name) => columns.has(name));
  return names.length > 0 && names.every((name) => name === wanted);
}

/** What ends a WHERE clause on its own level. */
const AFTER_WHERE = new Set(
  'GROUP HAVING QUALIFY WINDOW ORDER LIMIT UNION INTERSECT EXCEPT'.split(' '),
);

/** The predicates of every WHERE clause, as AND joins them. */
function predicatesOf(tokens: readonly Token[]): (readonly Token[])[] {
  return tokens.flatMap((token, at) => {
    if (!isWord(token, 'WHERE')) return [];
    const clause = tokens.slice(at + 1);
    const end = endOfLevel(clause, (next) => AFTER_WHERE.has(next.text.toUpperCase()));
    return conjuncts(clause.slice(0, end));
  });
}

function conjuncts(tokens: readonly Token[]): (readonly Token[])[] {
  const inner = tokens.slice(1, -1);
  const wrapped = tokens[0]?.text === '(' && endOfLevel(tokens.slice(1)) === inner.length;
  if (wrapped) return conjuncts(inner);
  if (endOfLevel(tokens, (token) => isWord(token, 'OR')) < tokens.length) return [tokens];
  const end = endOfLevel(tokens, (token) => isWord(token, 'AND'));
  if (end === tokens.length) return [tokens];
  return [...conjuncts(tokens.slice(0, end)), ...conjuncts(tokens.slice(end + 1))];
}

/** Where the bracket closes that `tokens` stand in, or a token on their own level `ends` them. */
function endOfLevel(
  tokens: readonly Token[],
  ends: (token: Token) => boolean = () => false,
): number {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'sign' && '(['.includes(token.text)) depth += 1;
    if (token.kind === 'sign' && ')]'.includes(token.text)) depth -= 1;
    if (depth < 0 || (depth === 0 && ends(token))) return at;
  }
  return tokens.length;
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'word' && token.text.toUpperCase() === word;
}
