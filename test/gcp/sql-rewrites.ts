import { SqlSyntaxError, type Token } from './sql-lexer.ts';

/** Text that takes the place of the tokens up to `end`. */
export interface Rewritten {
  readonly text: string;
  readonly end: number;
}

type RewriteTokens = (tokens: readonly Token[]) => string;

/** Types by the names that DuckDB knows them by here (`TAGGED_TYPES`). */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  NUMERIC: 'bq_numeric',
  DECIMAL: 'bq_numeric',
  BIGNUMERIC: 'bq_bignumeric',
  BIGDECIMAL: 'bq_bignumeric',
  GEOGRAPHY: 'bq_geography',
  TIMESTAMP: 'bq_timestamp',
};

/** Functions with a meaning of their own in `sql-functions.ts`, as `bq_name`. */
const OWN_FUNCTIONS = new Set(
  `TO_JSON_STRING FROM_HEX TO_HEX TO_BASE64 FROM_BASE64 FORMAT FORMAT_DATE FORMAT_DATETIME
  FORMAT_TIME FORMAT_TIMESTAMP TIMESTAMP DATETIME STRING IS_NAN IS_INF ST_ASTEXT ST_GEOGFROMTEXT
  ST_GEOGPOINT RANGE_START RANGE_END RANGE IEEE_DIVIDE CHAR_LENGTH CHARACTER_LENGTH LENGTH
  BYTE_LENGTH OCTET_LENGTH UNIX_MICROS UNIX_MILLIS UNIX_SECONDS UNIX_DATE TIMESTAMP_MICROS
  TIMESTAMP_MILLIS TIMESTAMP_SECONDS DATE_FROM_UNIX_DATE JSON_VALUE JSON_QUERY PARSE_JSON TO_JSON
  REGEXP_CONTAINS SAFE_DIVIDE GENERATE_UUID SAFE_CONVERT_BYTES_TO_STRING
  PARSE_NUMERIC PARSE_BIGNUMERIC
  GENERATE_ARRAY MD5 SHA256`.split(/\s+/),
);

/** Functions whose result polyglot and DuckDB would give another type, and the cast that mends it. */
const MENDED: Readonly<Record<string, string>> = {
  DATE_ADD: 'DATE',
  DATE_SUB: 'DATE',
  DATE_TRUNC: 'DATE',
  PARSE_TIMESTAMP: 'bq_timestamp',
};

/** What would come out wrong without a word: refused, so that no test believes it. */
const REFUSED_FUNCTIONS = new Set(['MAKE_INTERVAL', 'LAST_DAY']);
const REFUSED_PARTS = new Set(['WEEK', 'DAYOFWEEK', 'ISOWEEK', 'ISOYEAR', 'ZONE']);

/**
 * Rewrites the call, cast, typed literal or UNNEST that starts at `at`; undefined where none does.
 */
export function rewriteCall(
  tokens: readonly Token[],
  at: number,
  rewrite: RewriteTokens,
): Rewritten | undefined {
  const token = tokens[at] as Token;
  if (token.kind !== 'word' || tokens[at - 1]?.text === '.') return undefined;
  const word = token.text.toUpperCase();
  const next = tokens[at + 1];
  if (next?.kind === 'string') return typedLiteral(tokens, at, word, next.text);
  if ((word === 'ARRAY' || word === 'STRUCT') && next?.text === '<') return typeText(tokens, at);
  if (word === 'RANGE' && next?.text === '<') return rangeLiteral(tokens, at);
  if (word === 'SAFE' && next?.text === '.') return safeCall(tokens, at, rewrite);
  if (next?.text !== '(') return undefined;
  const end = closing(tokens, at + 1) + 1;
  const inside = tokens.slice(at + 2, end - 1);
  if (word === 'CAST' || word === 'SAFE_CAST') return cast(word, inside, end, rewrite);
  if (word === 'STRUCT') return struct(inside, end, rewrite);
  if (word === 'UNNEST') return unnest(tokens, at, inside, end, rewrite);
  if (word === 'CONCAT') return concat(inside, end, rewrite);
  refuse(word, inside);
  const mend = MENDED[word];
  if (mend !== undefined) return { text: `CAST(${word}(${rewrite(inside)}) AS ${mend})`, end };
  if (!OWN_FUNCTIONS.has(word)) return undefined;
  return { text: `bq_${word.toLowerCase()}(${rewrite(inside)})`, end };
}

function refuse(word: string, inside: readonly Token[]): void {
  const dated = /^EXTRACT$|_TRUNC$|_DIFF$/.test(word);
  const part = dated
    ? inside.find((token) => REFUSED_PARTS.has(token.text.toUpperCase()))
    : undefined;
  if (part === undefined && !REFUSED_FUNCTIONS.has(word)) return;
  throw new SqlSyntaxError(
    `the stand-in has no ${word}${part === undefined ? '' : ` of ${part.text}`}`,
  );
}

/** NULL where any part is NULL, unlike DuckDB's CONCAT (recorded: null_concat). */
function concat(inside: readonly Token[], end: number, rewrite: RewriteTokens): Rewritten {
  const parts = splitArguments(inside).map((part) => `(${rewrite(part)})`);
  return { text: `(${parts.join(' || ')})`, end };
}

/** The index of the bracket that closes the one at `open`. */
function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    if (token.kind !== 'sign') continue;
    if ('([{'.includes(token.text)) depth += 1;
    if (')]}'.includes(token.text)) depth -= 1;
    if (depth === 0) return at;
  }
  throw new SqlSyntaxError('Syntax error: Expected ")" but got end of statement');
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function typedLiteral(
  tokens: readonly Token[],
  at: number,
  word: string,
  text: string,
): Rewritten | undefined {
  const end = at + 2;
  switch (word) {
    case 'NUMERIC':
    case 'DECIMAL':
      return { text: `CAST(${quote(text)} AS bq_numeric)`, end };
    case 'BIGNUMERIC':
    case 'BIGDECIMAL':
      return { text: `bq_to_bignumeric(${quote(text)})`, end };
    case 'TIMESTAMP':
      // DuckDB does not read the zone's name (documentation: "Canonical format" of TIMESTAMP).
      return { text: `TIMESTAMP ${quote(zonedText(text))}`, end };
    case 'BQ_PICOSECONDS':
      return {
        text: `CAST(${quote(text.replace(/\s*(\+00|UTC|Z)$/i, ''))} AS bq_picoseconds)`,
        end,
      };
    case 'INTERVAL':
      return isWord(tokens[at + 3], 'TO') ? intervalLiteral(text, at) : undefined;
    default:
      return undefined;
  }
}

/** DuckDB wants a time before the zone, and the zone as an offset. */
function zonedText(text: string): string {
  const zoned = text.replace(/\s*(UTC|Z)$/i, '+00');
  return zoned.replace(/^(\d+-\d+-\d+)([+-]\d+)$/, '$1 00:00:00$2');
}

/** INTERVAL '1-2 3 4:5:6.7' YEAR TO SECOND. */
function intervalLiteral(text: string, at: number): Rewritten | undefined {
  const parts = /^(-?)(\d+)-(\d+) (-?\d+) (-?)(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, sign, years, months, days, clockSign, hours, minutes, seconds, fraction] = parts;
  const monthCount = Number(years) * 12 + Number(months);
  const clock = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  const micros = `${clockSign}${clock}${(fraction ?? '').padEnd(6, '0')}`;
  return { text: `bq_interval(${sign}${monthCount}, ${days}, ${micros})`, end: at + 5 };
}

/** ARRAY<...> or STRUCT<...>, with the types that polyglot would lose under their own names. */
function typeText(tokens: readonly Token[], at: number): Rewritten {
  let depth = 0;
  let text = '';
  for (let next = at; next < tokens.length; next += 1) {
    const token = tokens[next] as Token;
    if (token.text === '<') depth += 1;
    if (token.text === '>') depth -= 1;
    if (token.text === '>>') depth -= 2;
    const ends = /^[,>(]|>>$/.test(tokens[next + 1]?.text ?? '');
    const own = ends && token.kind === 'word' ? TYPE_WORDS[token.text.toUpperCase()] : undefined;
    text += ` ${own ?? (token.kind === 'quoted' ? `\`${token.text}\`` : token.text)}`;
    if (depth <= 0 && next > at) return { text, end: next + 1 };
  }
  throw new SqlSyntaxError('Syntax error: Expected ">" but got end of statement');
}

/** RANGE<DATE> '[2020-01-01, UNBOUNDED)'. */
function rangeLiteral(tokens: readonly Token[], at: number): Rewritten | undefined {
  const element = tokens[at + 2]?.text.toUpperCase() ?? '';
  const literal = tokens[at + 4];
  const bounds = /^\[\s*(.*?)\s*,\s*(.*?)\s*\)$/.exec(literal?.text ?? '');
  if (tokens[at + 3]?.text !== '>' || literal?.kind !== 'string' || bounds === null)
    return undefined;
  const [start, stop] = [bounds[1] ?? '', bounds[2] ?? ''].map((bound) =>
    /^(unbounded|null)$/i.test(bound) ? 'NULL' : quote(zonedText(bound)),
  );
  const name = TYPE_WORDS[element] ?? element;
  const text = `bq_range(CAST(${start} AS ${name}), CAST(${stop} AS ${name}))`;
  return { text, end: at + 5 };
}

/** SAFE.F(x) is NULL where F(x) fails. */
function safeCall(tokens: readonly Token[], at: number, rewrite: RewriteTokens) {
  if (tokens[at + 3]?.text !== '(') return undefined;
  const end = closing(tokens, at + 3) + 1;
  return { text: `TRY(${rewrite(tokens.slice(at + 2, end))})`, end };
}

function cast(word: string, inside: readonly Token[], end: number, rewrite: RewriteTokens) {
  const as = lastAs(inside);
  const value = rewrite(inside.slice(0, as));
  const type = inside.slice(as + 1);
  const name = type[0]?.text.toUpperCase();
  const own = OWN_CASTS[name ?? ''];
  if (own === undefined) {
    const typeText =
      TYPE_WORDS[name ?? ''] ?? rewrite([inside[as] as Token, ...type]).replace(/^AS /i, '');
    return { text: `${word}(${value} AS ${typeText})`, end };
  }
  return { text: word === 'CAST' ? `${own}(${value})` : `TRY(${own}(${value}))`, end };
}

const OWN_CASTS: Readonly<Record<string, string>> = {
  STRING: 'bq_to_string',
  BOOL: 'bq_to_bool',
  BOOLEAN: 'bq_to_bool',
  FLOAT64: 'bq_to_float64',
  DATE: 'bq_to_date',
  TIME: 'bq_to_time',
  BYTES: 'bq_to_bytes',
  INT64: 'bq_to_int64',
  INTEGER: 'bq_to_int64',
  INT: 'bq_to_int64',
  BIGNUMERIC: 'bq_to_bignumeric',
  BIGDECIMAL: 'bq_to_bignumeric',
  TIMESTAMP: 'bq_timestamp',
  DATETIME: 'bq_datetime',
};

/** The AS of the cast itself: the last one that stands outside of brackets. */
function lastAs(tokens: readonly Token[]): number {
  let found = -1;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    if (token.kind === 'sign' && '([{'.includes(token.text)) at = closing(tokens, at);
    else if (token.kind === 'word' && token.text.toUpperCase() === 'AS') found = at;
  }
  if (found < 0) throw new SqlSyntaxError('Syntax error: Expected keyword AS but got ")"');
  return found;
}

/**
 * STRUCT(1, 'x') has no names and fits any struct by position: DuckDB's ROW. Polyglot would make up
 * names. One with a name, given or a column's own, is left to it.
 */
function struct(
  inside: readonly Token[],
  end: number,
  rewrite: RewriteTokens,
): Rewritten | undefined {
  const named = splitArguments(inside).some((part) => isPath(part) || isWord(part.at(-2), 'AS'));
  return named ? undefined : { text: `ROW(${rewrite(inside)})`, end };
}

function isPath(tokens: readonly Token[]): boolean {
  if (/^(NULL|TRUE|FALSE)$/i.test(tokens[0]?.text ?? '')) return false;
  return tokens.every(({ kind, text }) => kind === 'word' || kind === 'quoted' || text === '.');
}

/** The arguments of a call, split at its own commas. */
function splitArguments(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    if (token.text === ',' && token.kind === 'sign') {
      parts.push([]);
      continue;
    }
    const opens = token.kind === 'sign' && '([{'.includes(token.text);
    const last = opens ? closing(tokens, at) : at;
    parts.at(-1)?.push(...tokens.slice(at, last + 1));
    at = last;
  }
  return parts;
}

/**
 * `UNNEST(array) [AS] e [WITH OFFSET [[AS] o]]` in FROM. Polyglot makes WITH ORDINALITY of it, which
 * counts from one and loses the name; a subquery with two set-returning functions keeps both.
 */
function unnest(
  tokens: readonly Token[],
  at: number,
  inside: readonly Token[],
  end: number,
  rewrite: RewriteTokens,
): Rewritten | undefined {
  const before = tokens[at - 1];
  const place = before?.text.toUpperCase() ?? '';
  if (!['FROM', 'JOIN', ','].includes(place)) return undefined;
  const element = readAlias(tokens, end);
  let next = element?.end ?? end;
  let offset: { name: string; end: number } | undefined;
  if (isWord(tokens[next], 'WITH') && isWord(tokens[next + 1], 'OFFSET')) {
    offset = readAlias(tokens, next + 2) ?? { name: '`offset`', end: next + 2 };
    next = offset.end;
  }
  const array = rewrite(inside);
  const position = offset && `, generate_subscripts(${array}, 1) - 1 AS ${offset.name}`;
  const text = `(SELECT UNNEST(${array}) AS ${element?.name ?? '`$element`'}${position ?? ''}) AS _u${at}`;
  return { text, end: next };
}

const AFTER_TABLE = new Set(
  'WITH WHERE ORDER GROUP HAVING LIMIT JOIN LEFT RIGHT INNER CROSS FULL ON USING UNION QUALIFY WINDOW'.split(
    ' ',
  ),
);

function readAlias(tokens: readonly Token[], at: number) {
  const start = isWord(tokens[at], 'AS') ? at + 1 : at;
  const token = tokens[start];
  if (token?.kind === 'quoted') return { name: `\`${token.text}\``, end: start + 1 };
  if (token?.kind !== 'word') return undefined;
  if (start === at && AFTER_TABLE.has(token.text.toUpperCase())) return undefined;
  return { name: `\`${token.text}\``, end: start + 1 };
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word;
}
