import { Dialect, transpile } from '@polyglot-sql/sdk';
import { SqlSyntaxError, type Token, tokenize } from './sql-lexer.ts';
import { rewriteCall } from './sql-rewrites.ts';

/** A table that a statement names; the project and dataset are missing where it leaves them out. */
export interface TablePath {
  readonly project: string | undefined;
  readonly dataset: string | undefined;
  readonly table: string;
}

export interface Translation {
  /** DuckDB's SQL. */
  readonly sql: string;
  readonly tables: readonly TablePath[];
  /** The statement's first words decide: SELECT, INSERT, UPDATE, DELETE, MERGE, CREATE... */
  readonly statementType: string;
}

/** A table as DuckDB names it, a catalog a project and a schema a dataset, and its columns. */
export interface NamedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns of TIMESTAMP(12). */
  readonly picoseconds: readonly string[];
}

/**
 * Finds the table of a path. `sure` is false where the path could also be an array of a table in
 * FROM; undefined then leaves it as it stands.
 */
export type NameTable = (path: TablePath, sure: boolean) => NamedTable | undefined;

/**
 * BigQuery's SQL as DuckDB's. Structure is left to polyglot; before it, the tokens are rewritten
 * where BigQuery's meaning would be lost: literals, table paths, casts and the functions that
 * `sql-functions.ts` defines under the prefix `bq_`.
 */
export function translate(sql: string, nameTable: NameTable): Translation {
  const tables: TablePath[] = [];
  const named = nameTables(tokenize(sql.replaceAll(TIME_TRAVEL, '')), (path, sure) => {
    const found = nameTable(path, sure);
    if (found !== undefined) tables.push(path);
    return found;
  });
  const tokens = fineLiterals(named).flatMap((token, at) => rowToken(named, token, at));
  const text = rewriteTokens(tokens);
  const result = transpile(text, Dialect.BigQuery, Dialect.DuckDB);
  if (!result.success || result.sql === undefined || result.sql === null) {
    throw new SqlSyntaxError(`Syntax error: ${result.error ?? 'not understood'}`);
  }
  const first = tokens.find((token) => token.kind === 'word')?.text.toUpperCase() ?? '';
  return {
    sql: result.sql.join(';\n'),
    tables,
    statementType: first === 'WITH' ? 'SELECT' : first,
  };
}

/**
 * "FOR SYSTEM_TIME AS OF" asks for an earlier state of a table. The stand-in keeps none: what asks it
 * is answered from the present one.
 */
const TIME_TRAVEL = /\bFOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS\(\d+\)/g;

/** The token text of a name that is already DuckDB's: never rewritten again. */
const DUCKDB_NAME = '\u0000duckdb:';

const BEFORE_TABLE = new Set([
  'FROM',
  'JOIN',
  'INTO',
  'UPDATE',
  'TABLE',
  'DELETE',
  'MERGE',
  'USING',
]);

/** Replaces `p.d.t`, in backticks or after FROM and its like, by the name of DuckDB's table. */
function nameTables(tokens: readonly Token[], name: NameTable): NamedTokens {
  const named: Token[] = [];
  const rows = new Map<string, readonly string[]>();
  const picoseconds = new Set<string>();
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    const path = readPath(tokens, at);
    if (path === undefined) {
      named.push(token);
      continue;
    }
    const [table = '', dataset, project] = path.parts.toReversed();
    const found = name({ project, dataset, table }, path.sure);
    if (found === undefined) {
      named.push(token);
      continue;
    }
    named.push({ kind: 'quoted', text: DUCKDB_NAME + found.name, at: token.at });
    for (const column of found.picoseconds) picoseconds.add(column);
    const own = found.columns.some((column) => sameName(column, table));
    if (own && !isAliased(tokens[path.end])) rows.set(table.toLowerCase(), found.columns);
    at = path.end - 1;
  }
  return { tokens: named, rows, picoseconds };
}

interface NamedTokens {
  readonly tokens: readonly Token[];
  /** Tables without an alias that have a column of their own name: their columns by that name. */
  readonly rows: ReadonlyMap<string, readonly string[]>;
  readonly picoseconds: ReadonlySet<string>;
}

/**
 * A literal beside a column of TIMESTAMP(12) is one, too, so that they are compared to the last
 * digit; DuckDB has no comparison of the two types. No token is added: `rowToken` looks at places.
 */
function fineLiterals({ tokens, picoseconds }: NamedTokens): readonly Token[] {
  return tokens.map((token, at) => {
    const [column, sign, next] = [tokens[at - 2], tokens[at - 1], tokens[at + 1]];
    const beside = /^([<>=]|<=|>=|<>|!=)$/.test(sign?.text ?? '');
    const isLiteral = token.text.toUpperCase() === 'TIMESTAMP' && next?.kind === 'string';
    if (!isLiteral || !beside || !picoseconds.has(column?.text ?? '')) return token;
    return { ...token, text: 'bq_picoseconds' };
  });
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The words that can stand behind a table without being its alias. */
const AFTER_TABLE =
  /^(WHERE|GROUP|HAVING|QUALIFY|WINDOW|ORDER|LIMIT|UNION|INTERSECT|EXCEPT|JOIN|INNER|CROSS|LEFT|RIGHT|FULL|ON|USING|SET|VALUES|SELECT|WHEN|FOR|TABLESAMPLE)$/i;

function isAliased(next: Token | undefined): boolean {
  return next?.kind === 'quoted' || (next?.kind === 'word' && !AFTER_TABLE.test(next.text));
}

/**
 * The name of a table without an alias means its row, also where a column is called the same; DuckDB
 * would take the column (documentation: "Specify a schema", column names: the column is interpreted
 * as a STRUCT).
 */
function rowToken({ tokens, rows }: NamedTokens, token: Token, at: number): readonly Token[] {
  const columns = rows.get(token.text.toLowerCase());
  const isName = token.kind === 'word' || token.kind === 'quoted';
  const before = tokens[at - 1]?.text.toUpperCase() ?? '';
  if (columns === undefined || !isName || before === '.' || before === 'AS') return [token];
  if (tokens[at + 1]?.text === '.') return [token];
  const row = columns.map((column) => `\`${token.text}\`.\`${column}\` AS \`${column}\``);
  return tokenize(`STRUCT(${row.join(', ')})`);
}

function readPath(tokens: readonly Token[], at: number) {
  const token = tokens[at] as Token;
  const before = tokens[at - 1];
  const expected =
    before?.kind === 'word' &&
    BEFORE_TABLE.has(before.text.toUpperCase()) &&
    !isOtherFrom(tokens, at - 1);
  const whole = token.kind === 'quoted' && token.text.includes('.');
  if (whole && before?.text !== '.')
    return { parts: token.text.split('.'), end: at + 1, sure: true };
  if (!expected || (token.kind !== 'word' && token.kind !== 'quoted')) return undefined;
  const parts = [token.text];
  let end = at + 1;
  while (tokens[end]?.text === '.' || (tokens[end]?.text === '-' && parts.length === 1)) {
    // A dash in an unquoted project belongs to its name (documentation: "Table path syntax").
    const dashed = tokens[end]?.text === '-';
    const next = tokens[end + 1]?.text ?? '';
    if (dashed) parts.push(`${parts.pop()}-${next}`);
    else parts.push(...next.split('.'));
    end += 2;
  }
  // One word alone is an alias, a WITH table or a table of the default dataset: not decided here.
  return parts.length > 1 ? { parts, end, sure: parts.length > 2 } : undefined;
}

/** The FROM of EXTRACT(part FROM x) and of IS [NOT] DISTINCT FROM names no table. */
function isOtherFrom(tokens: readonly Token[], at: number): boolean {
  if (tokens[at - 1]?.text.toUpperCase() === 'DISTINCT') return true;
  return tokens[at - 2]?.text === '(' && tokens[at - 3]?.text.toUpperCase() === 'EXTRACT';
}

/** The tokens as text for polyglot, calls and casts rewritten from the inside out. */
export function rewriteTokens(tokens: readonly Token[]): string {
  let text = '';
  for (let at = 0; at < tokens.length; ) {
    const rewritten = rewriteCall(tokens, at, rewriteTokens);
    text += ` ${rewritten?.text ?? tokenText(tokens[at] as Token)}`;
    at = rewritten?.end ?? at + 1;
  }
  return text.trimStart();
}

function tokenText(token: Token): string {
  switch (token.kind) {
    case 'string':
      return stringText(token.text);
    case 'bytes':
      return `bq_from_hex('${Buffer.from(token.text, 'latin1').toString('hex')}')`;
    case 'quoted':
      return quotedText(token.text);
    case 'number':
      return numberText(token.text);
    default:
      return token.text;
  }
}

function stringText(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

function quotedText(text: string): string {
  if (text.startsWith(DUCKDB_NAME)) return text.slice(DUCKDB_NAME.length);
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** A literal with a point is a FLOAT64; DuckDB would take it for a decimal. */
function numberText(text: string): string {
  return text.includes('.') && !/[eE]/.test(text) ? `${text}e0` : text;
}
