import type postgres from 'postgres';
import { arrayText } from './catalog.ts';

/**
 * Settings under which the catalog is read: every name comes out qualified and every constant in
 * one spelling, whatever the role's own settings are, so that two readings can be compared.
 */
const READING_SETTINGS = {
  search_path: '',
  quote_all_identifiers: 'off',
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  extra_float_digits: '1',
  // Planning takes most of the time: once is enough for three readings.
  plan_cache_mode: 'force_generic_plan',
} as const;

/**
 * Settings, for a transaction, under which SQL text read with READING_SETTINGS parses back to the
 * same objects.
 */
export const WRITING_SETTINGS: readonly string[] = [
  'SET LOCAL intervalstyle = postgres',
  'SET LOCAL datestyle = ISO',
  'SET LOCAL check_function_bodies = off',
  'SET LOCAL statement_timeout = 0',
];

/** Runs `body` with READING_SETTINGS, inside a transaction, and restores what was set before. */
export async function withReadingSettings<T>(
  sql: postgres.ISql,
  body: () => Promise<T>,
): Promise<T> {
  const names = Object.keys(READING_SETTINGS);
  const before = await sql<{ name: string; value: string }[]>`
    SELECT name, current_setting(name) AS value FROM unnest(${arrayText(names)}::text[]) AS name`;
  await setLocally(sql, Object.entries(READING_SETTINGS));
  const result = await body();
  await setLocally(
    sql,
    before.map(({ name, value }) => [name, value]),
  );
  return result;
}

async function setLocally(
  sql: postgres.ISql,
  settings: readonly (readonly [string, string])[],
): Promise<void> {
  const names = arrayText(settings.map(([name]) => name));
  const values = arrayText(settings.map(([, value]) => value));
  await sql`
    SELECT set_config(name, value, true)
    FROM unnest(${names}::text[], ${values}::text[]) AS setting(name, value)`;
}
