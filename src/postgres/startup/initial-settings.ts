import { quoteLiteral } from '../quoting.ts';

/** A setting and its value. */
export type Setting = readonly [name: string, value: string];

/**
 * What every session begins with, whatever the role or the database has as its default; a server is
 * given those that it knows. Limits for people must not end a load of hours, which waits and computes
 * for long; the swap has to see what has changed since it began; types are compared by their names. A
 * backend that builds an index has to notice that its run has died, and release its locks. To compile
 * the many small queries of a swap would hold its locks ten times as long.
 */
const SETTINGS: readonly Setting[] = [
  ['DateStyle', 'ISO'],
  ['default_transaction_isolation', 'read committed'],
  ['quote_all_identifiers', 'off'],
  ['statement_timeout', '0'],
  ['lock_timeout', '0'],
  ['idle_in_transaction_session_timeout', '0'],
  ['idle_session_timeout', '0'],
  ['transaction_timeout', '0'],
  ['client_connection_check_interval', '5s'],
  ['synchronous_commit', 'on'],
  ['lc_messages', 'C'],
  ['jit', 'off'],
];

/** Conditions of the settings that not every session may have, or needs. */
const CONDITIONS: Readonly<Record<string, (serverMajor: number) => string>> = {
  // Windows has it, and takes no value for it.
  client_connection_check_interval: () => `pg_catalog.version() !~ 'Visual C|mingw|windows'`,
  // A commit that was answered must not be lost by a crash; remote_apply promises more than that.
  synchronous_commit: () => `pg_catalog.current_setting('synchronous_commit') <> 'remote_apply'`,
  // Messages are for people who look them up; only a role with the right may choose their language.
  lc_messages: (serverMajor) =>
    `(pg_catalog.current_setting('is_superuser') = 'on'${
      serverMajor < 15 ? '' : ` OR pg_catalog.has_parameter_privilege('lc_messages', 'SET')`
    })`,
};

/**
 * Columns of a SELECT that give a session `wanted` and then the program's own settings, where
 * `condition` holds. By a statement, not as startup parameters: poolers refuse those.
 */
export function settingColumns(
  serverMajor: number,
  wanted: readonly Setting[],
  condition: string,
): readonly string[] {
  return [
    ...wanted.map((setting) => setIf([condition], setting)),
    ...SETTINGS.map((setting) =>
      setIf([condition, ...conditionsOf(setting, serverMajor)], setting),
    ),
  ];
}

function conditionsOf([name]: Setting, serverMajor: number): readonly string[] {
  const known = `pg_catalog.current_setting('${name}', true) IS NOT NULL`;
  const more = CONDITIONS[name]?.(serverMajor);
  return more === undefined ? [known] : [known, more];
}

function setIf(conditions: readonly string[], setting: Setting): string {
  return `CASE WHEN ${conditions.join(' AND ')} THEN ${setConfig(setting)} END`;
}

function setConfig([name, value]: Setting): string {
  return `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`;
}

/**
 * The settings in a connection's `options`, as the server reads them (pg_split_opts, and the switches
 * -c and --NAME in postgres.c); undefined where there are other switches among them.
 */
export function settingsOfOptions(options: string): readonly Setting[] | undefined {
  const words = options.match(/(?:\\.|[^\s\\])+/gs)?.map((word) => word.replace(/\\(.)/gs, '$1'));
  const switches = (words ?? []).join('\0').replaceAll('-c\0', '-c').split('\0').filter(Boolean);
  const settings = switches.map((word) => /^(?:-c|--)([^=]+)=(.*)$/s.exec(word));
  if (settings.includes(null)) return undefined;
  return settings.map((match) => [match?.[1]?.replaceAll('-', '_') ?? '', match?.[2] ?? '']);
}
