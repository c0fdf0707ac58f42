import { EXIT_CODES } from '../errors.ts';
import { EXAMPLE, FLAG_NAMES, FLAGS } from './flags.ts';
import { VERSION_TEXT } from './version.ts';

/** What `--help` prints, within 80 columns. The flags and exit codes come from their tables. */
export function helpText(): string {
  return `${VERSION_TEXT}
Keeps one PostgreSQL table equal to one BigQuery table.

The first run copies the whole table and swaps it in at once. Every later run
adds the rows whose max_ingested_at is greater than the greatest so far, which
is kept in the table sync_state; a run with nothing new changes nothing.

Usage: bq_to_postgres FLAGS        as --flag value or --flag=value

Flags, all six mandatory:
${FLAG_NAMES.map(flagText).join('\n')}

  --help      print this and exit
  --version   print the version and exit

Credentials of Google Cloud are found as its own tools find them (Application
Default Credentials; on a VM, its service account). Keep the password of the
database out of the URI: use PGPASSWORD, a passfile, or a user of Cloud SQL IAM
authentication (NAME@PROJECT.iam), who needs none.

Example:
${EXAMPLE}

Exit codes:
${exitCodesText()}
`;
}

function flagText(name: keyof typeof FLAGS): string {
  const { description, valueHint, example } = FLAGS[name];
  return `  --${name} ${valueHint}\n        ${description}\n        for example ${example}`;
}

function exitCodesText(): string {
  return Object.entries(EXIT_CODES)
    .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
    .join('\n');
}
