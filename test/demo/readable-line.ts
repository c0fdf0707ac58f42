/** A line of the program's log, which is an object where it is JSON. */
export interface LogLine {
  readonly severity?: string;
  readonly message?: string;
  readonly time?: string;
  readonly [field: string]: unknown;
}

/** Undefined for what is not a JSON object. */
export function parseLine(line: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

/** `12:00:01  INFO     load: ...` for a line of JSON; any other line as it is. */
export function readableLine(line: string): string {
  const parsed = parseLine(line);
  if (parsed === undefined) return line;
  const time = /T(\d\d:\d\d:\d\d)/.exec(parsed.time ?? '')?.[1] ?? '';
  return `${time}  ${(parsed.severity ?? '').padEnd(7)}  ${parsed.message ?? ''}`;
}
