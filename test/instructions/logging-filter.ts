import { type Json, text } from './cloud/cloud.ts';

/** A log entry as Cloud Logging keeps it. */
export interface LogEntry {
  readonly logName: string;
  readonly resource: { readonly type: string };
  readonly severity: string;
  readonly jsonPayload?: Json;
  readonly textPayload?: string;
}

const SEVERITIES = ['DEFAULT', 'DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR', 'CRITICAL'];

/**
 * Whether a filter takes an entry: as much of the Logging query language as the metrics use.
 * https://cloud.google.com/logging/docs/view/logging-query-language
 */
export function matches(filter: string, entry: LogEntry): boolean {
  const tokens = filter.match(/"(?:[^"\\]|\\.)*"|[()]|=~|!~|[<>!]=|[=<>:]|[^\s()=<>!~:"]+/g) ?? [];
  let at = 0;
  const next = () => tokens[at++] ?? '';
  const follows = (token: string) => tokens[at] === token && ++at > 0;

  function either(): boolean {
    let value = both();
    while (follows('OR')) value = both() || value;
    return value;
  }
  function both(): boolean {
    let value = one();
    while (follows('AND')) value = one() && value;
    return value;
  }
  function one(): boolean {
    if (follows('NOT')) return !one();
    if (follows('(')) return closed(either());
    const field = next();
    if (field === 'log_id') {
      follows('(');
      const id = encodeURIComponent(unquoted(next()));
      return closed(entry.logName.endsWith(`/logs/${id}`));
    }
    return compare(field, next(), unquoted(next()), entry);
  }
  function closed(value: boolean): boolean {
    if (!follows(')')) throw new Error(`a bracket is open in: ${filter}`);
    return value;
  }

  const value = either();
  if (at < tokens.length) throw new Error(`${tokens[at]} is not understood in: ${filter}`);
  return value;
}

function compare(field: string, operator: string, wanted: string, entry: LogEntry): boolean {
  const found = text(entry, ...field.split('.'));
  if (operator === ':')
    return found !== '' && (wanted === '*' || found.toLowerCase().includes(wanted.toLowerCase()));
  if (operator === '=~') return new RegExp(wanted).test(found);
  if (operator === '=') return found.toLowerCase() === wanted.toLowerCase();
  if (operator === '>=') return found !== '' && rank(field, found) >= rank(field, wanted);
  throw new Error(`${operator} is not understood`);
}

function rank(field: string, value: string): number {
  return field === 'severity' ? SEVERITIES.indexOf(value) : Number.parseFloat(value);
}

/** What an extractor takes out of an entry: `EXTRACT(field)`, `REGEXP_EXTRACT(field, "pattern")`. */
export function extract(extractor: string, entry: LogEntry): string {
  const whole = /^EXTRACT\(([\w.]+)\)$/.exec(extractor);
  if (whole !== null) return text(entry, ...(whole[1] ?? '').split('.'));
  const part = /^REGEXP_EXTRACT\(([\w.]+), ("(?:[^"\\]|\\.)*")\)$/.exec(extractor);
  if (part === null) throw new Error(`not an extractor: ${extractor}`);
  const found = text(entry, ...(part[1] ?? '').split('.'));
  return new RegExp(unquoted(part[2] ?? '')).exec(found)?.[1] ?? '';
}

function unquoted(token: string): string {
  return token.startsWith('"') ? (JSON.parse(token) as string) : token;
}
