import type { ArgsDef } from 'citty';

/** What `--help` and the errors say of a flag. */
export interface Flag {
  readonly description: string;
  /** The value's shape, for the usage line. */
  readonly valueHint: string;
  /** A value as a user writes it in a shell, quoted where a shell needs it. */
  readonly example: string;
}

/** The six flags, all mandatory: `--help`, the checks and their messages come from this table. */
export const FLAGS = {
  'bq-dataset': {
    description: 'dataset of the table; its project, if not that of the credentials',
    valueHint: '[PROJECT.]DATASET',
    example: 'my-project.analytics',
  },
  'bq-table': {
    description: 'BigQuery table; it has a column max_ingested_at (TIMESTAMP or DATETIME)',
    valueHint: 'TABLE',
    example: 'flights',
  },
  'bq-location': {
    description: 'location of the dataset',
    valueHint: 'LOCATION',
    example: 'europe-west1',
  },
  'pg-conn': {
    description: 'connection URI, read as psql reads it',
    valueHint: 'URI',
    example: "'postgresql://loader@10.1.2.3/warehouse?sslmode=require'",
  },
  'pg-table': {
    description: 'PostgreSQL table to keep equal; the first run makes it',
    valueHint: '[SCHEMA.]TABLE',
    example: 'public.flights',
  },
  'gcs-bucket': {
    description: 'bucket, best in the same location, that the rows pass through',
    valueHint: 'BUCKET',
    example: 'my-project-bq-to-postgres',
  },
} as const satisfies Record<string, Flag>;

/** The name without its dashes. */
export type FlagName = keyof typeof FLAGS;

/** In the order of `--help`. */
export const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[];

/** The flags as citty reads them; that all are given is checked apart, with all other errors. */
export const CITTY_FLAGS: ArgsDef = Object.fromEntries(
  FLAG_NAMES.map((name) => [name, { type: 'string' }]),
);

/** `--bq-table flights`: what to type, with an example for the value. */
export function exampleOf(name: FlagName): string {
  return `--${name} ${FLAGS[name].example}`;
}

/** A whole command line, as a user types it. */
export const EXAMPLE = ['  bq_to_postgres', ...FLAG_NAMES.map(exampleOf)].join(' \\\n    ');

/** All flags and one example, within 80 columns. */
export const USAGE = `Usage:
${['  bq_to_postgres', ...FLAG_NAMES.map((name) => `--${name} ${FLAGS[name].valueHint}`)].join(' \\\n    ')}

For example:
${EXAMPLE}

bq_to_postgres --help explains each of them.`;
