import type { ProjectorError } from '../errors.ts';
import { suggest } from '../suggest.ts';
import { FLAG_NAMES, type FlagName } from './flags.ts';
import { usageError } from './usage-error.ts';

/** What the words of a command line say, before any value is looked at. */
export interface Tokens {
  /** The flags that were given well, each as `--flag=value`: citty reads these without surprises. */
  readonly accepted: readonly string[];
  /** Flags of which an error speaks already, so that they are not called missing as well. */
  readonly reported: ReadonlySet<FlagName>;
  readonly errors: readonly ProjectorError[];
}

/** What a connection string that may hold a password is known by, in either of libpq's forms. */
const CONNECTION_STRING = /postgres(?:ql)?:\/\/|\bpassword\s*=/i;

interface Reading {
  readonly words: readonly string[];
  readonly accepted: string[];
  readonly reported: Set<FlagName>;
  readonly seen: Set<FlagName>;
  readonly errors: ProjectorError[];
  at: number;
}

/**
 * Reads `--flag value` and `--flag=value`, and nothing else. citty lets unknown flags, repeated
 * flags and stray words pass. Messages never repeat a value: it may be a password gone astray.
 */
export function readTokens(words: readonly string[]): Tokens {
  const reading: Reading = {
    words,
    accepted: [],
    reported: new Set(),
    seen: new Set(),
    errors: [],
    at: 0,
  };
  while (reading.at < words.length) readWord(reading, words[reading.at++] ?? '');
  return reading;
}

function readWord(reading: Reading, word: string): void {
  if (!word.startsWith('-') || word === '-') {
    refuseStray(reading);
    return;
  }
  const [, flag = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const name = FLAG_NAMES.find((known) => word.startsWith('--') && known === flag);
  if (name === undefined) refuseUnknown(reading, word, flag, inline);
  else keep(reading, name, inline ?? followingValue(reading));
}

/** The next word, unless it is the next flag. */
function followingValue(reading: Reading): string | undefined {
  const next = reading.words[reading.at];
  if (next === undefined || next.startsWith('--')) return undefined;
  reading.at++;
  return next;
}

function keep(reading: Reading, name: FlagName, value: string | undefined): void {
  const wrong = reading.seen.has(name)
    ? usageError(`--${name} is given more than once`, 'Give it once.')
    : valueError(name, value);
  reading.seen.add(name);
  if (wrong === undefined && value !== undefined) reading.accepted.push(`--${name}=${value}`);
  else if (wrong !== undefined) {
    reading.errors.push(wrong);
    reading.reported.add(name);
  }
}

function valueError(name: FlagName, value: string | undefined): ProjectorError | undefined {
  if (value === undefined) {
    const hint = `Write --${name} VALUE, or --${name}=VALUE if the value begins with dashes.`;
    return usageError(`--${name} needs a value`, hint);
  }
  // Here, before any check of values could repeat a password that is in it.
  if (name !== 'pg-conn' && CONNECTION_STRING.test(value)) {
    return usageError(`--${name} holds a connection string`, 'Give that one to --pg-conn.');
  }
  if (value.trim() !== '') return undefined;
  const hint = 'Write its value, or check that the shell variable in its place is set.';
  return usageError(`--${name} is empty`, hint);
}

function refuseUnknown(
  reading: Reading,
  word: string,
  flag: string,
  inline: string | undefined,
): void {
  const meant = suggest(flag, [...FLAG_NAMES, 'help', 'version']) ?? shortFor(flag);
  const takesValue = meant !== 'help' && meant !== 'version';
  if (takesValue && inline === undefined) followingValue(reading);
  if (takesValue && meant !== undefined) reading.reported.add(meant);
  const written = inline === undefined ? word : word.slice(0, word.indexOf('='));
  const hint =
    meant === undefined
      ? 'Leave it out: bq_to_postgres --help lists the flags.'
      : `Write --${meant}.`;
  reading.errors.push(usageError(`${printable(written)} is not a flag`, hint));
}

function shortFor(flag: string): 'help' | 'version' | undefined {
  if (flag === 'h' || flag === '?') return 'help';
  return flag === 'v' || flag === 'V' ? 'version' : undefined;
}

/** A flag's name for a message; what holds a URI or looks like no name at all is not repeated. */
function printable(written: string): string {
  return /^-{1,2}[\w-]{0,40}$/.test(written) ? written : 'A word that begins with a dash';
}

function refuseStray(reading: Reading): void {
  const before = reading.words.slice(0, reading.at - 1).findLast((word) => word.startsWith('--'));
  const flag = FLAG_NAMES.find((name) => before?.split('=')[0] === `--${name}`);
  const where = flag === undefined ? '' : `, after --${flag} and its value,`;
  reading.errors.push(
    usageError(
      `word ${reading.at}${where} belongs to no flag`,
      'Put single quotes around a value that holds spaces or characters of the shell (& ; ? * $).',
    ),
  );
}
