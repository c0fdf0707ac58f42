import { ApiError } from './api-error.ts';
import { placeOf, type Token, tokenize } from './sql-lexer.ts';

/** An EXPORT DATA statement, read (documentation: "Other statements", EXPORT DATA). */
export interface ExportStatement {
  readonly bucket: string;
  /** The object's name with its one `*`. */
  readonly pattern: string;
  /** The query after AS. */
  readonly query: string;
}

/** Reads EXPORT DATA; undefined for any other statement. Errors are BigQuery's (recorded: export_data). */
export function parseExport(sql: string): ExportStatement | undefined {
  const tokens = tokenize(sql);
  if (!isWord(tokens[0], 'EXPORT') || !isWord(tokens[1], 'DATA')) return undefined;
  const open = tokens.findIndex((token) => isWord(token, 'OPTIONS')) + 1;
  const close = tokens.findIndex((token, at) => at > open && token.text === ')');
  if (open === 0 || close < 0) throw invalid('Syntax error: Expected keyword OPTIONS');
  const as = tokens[close + 1];
  const first = tokens[close + 2];
  if (!isWord(as, 'AS') || first === undefined) {
    throw invalid(`Syntax error: Expected keyword AS at ${placeOf(sql, as?.at ?? sql.length)}`);
  }
  return { ...readOptions(tokens.slice(open + 1, close)), query: sql.slice(first.at) };
}

function readOptions(tokens: readonly Token[]): Omit<ExportStatement, 'query'> {
  const options = new Map<string, string>();
  for (let at = 0; at < tokens.length; at += 4) {
    const [name, , value] = tokens.slice(at, at + 3);
    options.set(name?.text.toLowerCase() ?? '', value?.text ?? '');
  }
  const format = options.get('format')?.toUpperCase() ?? '';
  if (!['AVRO', 'CSV', 'JSON', 'PARQUET'].includes(format)) {
    throw invalid(
      `'${options.get('format')}' is not a valid value; failed to set 'format' in EXPORT DATA OPTIONS`,
    );
  }
  if (format !== 'AVRO') throw new ApiError('notImplemented', `the stand-in exports AVRO only`);
  const place = readUri(options.get('uri') ?? '');
  const overwrite = options.get('overwrite')?.toUpperCase() ?? 'FALSE';
  const others = [...options.keys()].filter(
    (name) => !['format', 'uri', 'overwrite'].includes(name),
  );
  if (overwrite !== 'FALSE' || others.length > 0) {
    throw new ApiError('notImplemented', `the stand-in knows no option ${others} of EXPORT DATA`);
  }
  return place;
}

function readUri(uri: string): { bucket: string; pattern: string } {
  if (uri === '') throw invalid("Option 'uri' is missing or empty.", null);
  const match = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri);
  const [, bucket = '', pattern = ''] = match ?? [];
  if (match === null || pattern.split('*').length !== 2) {
    throw invalid("Option 'uri' value must be a wild card URI.");
  }
  return { bucket, pattern };
}

function invalid(message: string, location: 'query' | null = 'query'): ApiError {
  return new ApiError('invalidQuery', message, location === null ? {} : { location });
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word;
}
