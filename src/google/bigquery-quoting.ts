/** `path` in BigQuery's backticks: a dotted path is quoted as a whole, with the escapes of strings. */
export function quoteBigQueryPath(...path: readonly string[]): string {
  const quoted = path.map((part) =>
    part
      .replaceAll('\\', '\\\\')
      .replaceAll('`', '\\`')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r'),
  );
  return `\`${quoted.join('.')}\``;
}

/** `text` as a BigQuery string literal. */
export function quoteBigQueryString(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `'${escaped}'`;
}
