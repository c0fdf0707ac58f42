import { parseArgs } from 'citty';
import { ProjectorError } from '../errors.ts';
import { type Connection, readConnection } from '../postgres/connection/connection.ts';
import type { Environment } from '../postgres/connection/parameters.ts';
import { CITTY_FLAGS, exampleOf, type FlagName, USAGE } from './flags.ts';
import * as names from './google-names.ts';
import { readTargetName, type TargetName } from './target-name.ts';
import { readTokens } from './tokens.ts';
import { combineErrors, usageError } from './usage-error.ts';

/** What one run is asked to do: every value is checked by its form, none against a service. */
export interface Arguments {
  readonly dataset: names.DatasetName;
  readonly bqTable: string;
  readonly location: string;
  readonly connection: Connection;
  readonly pgTable: TargetName;
  /** `--pg-table` as given: the key of `sync_state`. */
  readonly pgTableText: string;
  readonly bucket: string;
}

/** What is asked instead of a run. */
export type Question = { readonly help: true } | { readonly version: true };

/**
 * Reads the command line. Throws one ProjectorError with exit code 2 that tells all that is wrong,
 * each with what to write instead; `--help` and `--version` win over every error.
 */
export function readArguments(argv: readonly string[], env: Environment): Arguments | Question {
  if (argv.includes('--help')) return { help: true };
  if (argv.includes('--version')) return { version: true };
  if (argv.length === 0) throw usageError('the six flags are missing', USAGE);
  const tokens = readTokens(argv);
  const given = parseArgs<Record<FlagName, { type: 'string' }>>([...tokens.accepted], CITTY_FLAGS);
  const errors: ProjectorError[] = [...tokens.errors];

  function take<Value>(name: FlagName, read: (text: string) => Value): Value | undefined {
    try {
      const text = given[name];
      if (text !== undefined) return read(text);
      if (!tokens.reported.has(name)) errors.push(missing(name));
    } catch (error) {
      if (!(error instanceof ProjectorError)) throw error;
      errors.push(error);
    }
    return undefined;
  }

  const taken = {
    dataset: take('bq-dataset', names.readDataset),
    bqTable: take('bq-table', names.readBigQueryTable),
    location: take('bq-location', names.readLocation),
    connection: take('pg-conn', (uri) => readConnection(uri, env)),
    pgTable: take('pg-table', readTargetName),
    pgTableText: given['pg-table'],
    bucket: take('gcs-bucket', names.readBucket),
  };
  if (errors.length === 0 && isComplete(taken)) return taken;
  throw combineErrors(errors);
}

type Taken = { readonly [Key in keyof Arguments]: Arguments[Key] | undefined };

function isComplete(taken: Taken): taken is Arguments {
  return Object.values(taken).every((value) => value !== undefined);
}

function missing(name: FlagName): ProjectorError {
  return usageError(`--${name} is missing`, `Write, for example: ${exampleOf(name)}`);
}
