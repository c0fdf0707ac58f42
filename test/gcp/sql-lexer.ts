/** The tokens of BigQuery's dialect (documentation: "Lexical structure and syntax"). */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'bytes' | 'number' | 'sign';
  /** As written; for `quoted` the name, for `string` and `bytes` the content, escapes resolved. */
  readonly text: string;
  /** Where it starts in the statement, for error messages. */
  readonly at: number;
}

/** What is wrong with a statement, in BigQuery's words. */
export class SqlSyntaxError extends Error {}

const SKIPPED = /\s+|--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\//y;
const WORD = /[\p{L}_@][\p{L}\p{N}_]*/uy;
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const SIGN = /<>|!=|<=|>=|\|\||=>|<<|>>|./uy;
const LITERAL_START = /([rR][bB]?|[bB][rR]?)?("""|'''|"|')/y;

/** Splits a statement into tokens; comments and white space are dropped. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  while (at < sql.length) {
    const skipped = take(SKIPPED);
    if (skipped !== undefined) {
      at += skipped.length;
      continue;
    }
    const literal = readLiteral(sql, at) ?? readQuoted(sql, at);
    if (literal !== undefined) {
      tokens.push(literal.token);
      at = literal.end;
      continue;
    }
    const word = take(WORD);
    const number = word === undefined ? take(NUMBER) : undefined;
    const text = word ?? number ?? take(SIGN) ?? '';
    const kind = word !== undefined ? 'word' : number !== undefined ? 'number' : 'sign';
    tokens.push({ kind, text, at });
    at += text.length;
  }
  return tokens;
}

/** `[line:column]` of a place, as BigQuery's messages end. */
export function placeOf(sql: string, at: number): string {
  const before = sql.slice(0, at).split('\n');
  return `[${before.length}:${(before.at(-1)?.length ?? 0) + 1}]`;
}

interface Read {
  readonly token: Token;
  readonly end: number;
}

function readLiteral(sql: string, at: number): Read | undefined {
  LITERAL_START.lastIndex = at;
  const match = LITERAL_START.exec(sql);
  if (match === null) return undefined;
  const prefix = (match[1] ?? '').toLowerCase();
  const quote = match[2] ?? '';
  const start = at + match[0].length;
  const body = readBody(sql, start, quote, prefix.includes('r'));
  if (body === undefined) {
    throw new SqlSyntaxError(`Syntax error: Unclosed string literal at ${placeOf(sql, at)}`);
  }
  const kind = prefix.includes('b') ? 'bytes' : 'string';
  return { token: { kind, text: body.text, at }, end: body.end };
}

function readQuoted(sql: string, at: number): Read | undefined {
  if (sql[at] !== '`') return undefined;
  const body = readBody(sql, at + 1, '`', false);
  if (body === undefined) {
    throw new SqlSyntaxError(`Syntax error: Unclosed identifier literal at ${placeOf(sql, at)}`);
  }
  return { token: { kind: 'quoted', text: body.text, at }, end: body.end };
}

function readBody(sql: string, start: number, quote: string, raw: boolean) {
  let text = '';
  let at = start;
  while (at < sql.length) {
    if (sql.startsWith(quote, at)) return { text, end: at + quote.length };
    if (sql[at] === '\n' && quote.length === 1) return undefined;
    if (sql[at] !== '\\') {
      text += sql[at];
      at += 1;
    } else if (raw) {
      text += sql.slice(at, at + 2);
      at += 2;
    } else {
      const read = readEscape(sql, at);
      text += read.text;
      at = read.end;
    }
  }
  return undefined;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const CODE_ESCAPE = /\\(?:[xX]([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3}))/y;

function readEscape(sql: string, at: number): { text: string; end: number } {
  CODE_ESCAPE.lastIndex = at;
  const code = CODE_ESCAPE.exec(sql);
  if (code !== null) {
    const value =
      code[4] === undefined
        ? Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '', 16)
        : Number.parseInt(code[4], 8);
    return { text: String.fromCodePoint(value), end: at + code[0].length };
  }
  const letter = sql[at + 1] ?? '';
  const text = ESCAPES[letter] ?? letter;
  if (ESCAPES[letter] === undefined && !/[\\?"'`]/.test(letter)) {
    throw new SqlSyntaxError(
      `Syntax error: Illegal escape sequence: \\${letter} at ${placeOf(sql, at)}`,
    );
  }
  return { text, end: at + 2 };
}
