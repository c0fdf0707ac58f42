import type { EvaluatedType } from './hard-values.ts';

/**
 * SQL of PostgreSQL for what a value should become in a column, `$1` being the value's text: NULL, or
 * an error, where it has to be refused. undefined where PostgreSQL cannot tell.
 */
export function expectedSql(source: EvaluatedType, target: string): string | undefined {
  const own = EXPECTED[`${source} ${target}`];
  if (own !== undefined) return own;
  // Whether the text is as BigQuery wrote it, PostgreSQL does not know.
  if ((source === 'JSON' || source === 'STRUCT') && target !== 'jsonb') return undefined;
  if (target === 'name') return 'CASE WHEN octet_length($1) <= 63 THEN $1::name END';
  return `$1::${target}`;
}

const EXACT = (type: string) => `CASE WHEN $1::${type}::int8 = $1::int8 THEN $1::${type} END`;
const WHOLE = (type: string) =>
  `CASE WHEN trunc($1::float8) = $1::float8 THEN $1::float8::${type} END`;
const MONEY = 'CASE WHEN scale(trim_scale($1::numeric)) <= 2 THEN $1::money END';

const EXPECTED: Readonly<Record<string, string>> = {
  'INT64 float8': EXACT('float8'),
  'INT64 float4': EXACT('float4'),
  // The double is what is rounded, not its decimal text.
  'FLOAT64 float4': '$1::float8::float4',
  'FLOAT64 int8': WHOLE('int8'),
  'FLOAT64 int4': WHOLE('int4'),
  'FLOAT64 int2': WHOLE('int2'),
  'NUMERIC float4': '$1::float8::float4',
  'NUMERIC money': MONEY,
  'BIGNUMERIC float4': '$1::float8::float4',
  'BIGNUMERIC money': MONEY,
  'BYTES bytea': `('\\x' || $1)::bytea`,
  'TIME timetz': `($1 || '+00')::timetz`,
};

/** The text of a value as PostgreSQL reads it, where that is not GoogleSQL's own. */
export function postgresText(source: EvaluatedType, target: string, text: string): string {
  if (source === 'INTERVAL' && target === 'interval') return isoInterval(text);
  if (source === 'STRUCT')
    return `{"a":${text},"b c":"x","t":"2024-01-01T00:00:00Z","n":[${text}]}`;
  if (source.startsWith('RANGE')) return text.replace(', ', ',').replaceAll('UNBOUNDED', '');
  return text;
}

/** In ISO 8601, where each part has its own sign. */
function isoInterval(text: string): string {
  const [yearMonth = '', days = '', clock = ''] = text.split(' ');
  const signed = (part: string, numbers: readonly string[], units: string) => {
    const sign = part.startsWith('-') ? '-' : '';
    return numbers.map((number, at) => `${sign}${number}${units[at]}`).join('');
  };
  const date = signed(yearMonth, yearMonth.replace(/^-/, '').split('-'), 'YM');
  return `P${date}${days}DT${signed(clock, clock.replace(/^-/, '').split(':'), 'HMS')}`;
}
