/** How the test declares the types that are not written as the catalog names them. */
const DECLARED: Readonly<Record<string, string>> = {
  varchar: 'varchar(200)',
  bpchar: 'char(200)',
  enum: 'mood',
  composite: 'pair',
  bit: 'bit(4)',
};

/** Types that nothing goes into, beside those of the table. */
export const UNLISTED = [
  'tsquery',
  'jsonpath',
  'pg_lsn',
  'oid',
  'datemultirange',
  'xid8',
  '"char"',
];

export const SETUP = [
  'CREATE EXTENSION citext',
  'CREATE EXTENSION hstore',
  'CREATE EXTENSION ltree',
  "CREATE TYPE mood AS ENUM ('sad', 'happy')",
  'CREATE TYPE pair AS (a integer, b text)',
];

export function declaredType(target: string): string {
  return DECLARED[target] ?? target;
}
