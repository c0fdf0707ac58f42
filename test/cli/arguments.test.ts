import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Arguments, readArguments } from '../../src/cli/arguments.ts';
import { ProjectorError } from '../../src/errors.ts';

const GOOD: Readonly<Record<string, string>> = {
  'bq-dataset': 'my-project.analytics',
  'bq-table': 'flights',
  'bq-location': 'europe-west1',
  'pg-conn': 'postgresql://loader:hunter2!@10.1.2.3/warehouse',
  'pg-table': 'public.flights',
  'gcs-bucket': 'my-bucket',
};

/** The good command line with some values changed, or left out by undefined. */
function words(changes: Readonly<Record<string, string | undefined>> = {}): string[] {
  return Object.entries({ ...GOOD, ...changes }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
}

function read(argv: readonly string[]): Arguments {
  const given = readArguments(argv, {});
  if ('help' in given || 'version' in given) throw new Error('asked for help or version');
  return given;
}

/** The whole text of the usage error that `argv` ends in. */
function refusal(argv: readonly string[]): string {
  try {
    readArguments(argv, {});
  } catch (error) {
    if (!(error instanceof ProjectorError)) throw error;
    expect(error.exitCode).toBe(2);
    return `${error.message}\n${error.hint}`;
  }
  throw new Error('nothing was refused');
}

describe('flags', () => {
  test('all six are read, with a space or an equals sign', () => {
    const spaced = read(words());
    const joined = read(Object.entries(GOOD).map(([name, value]) => `--${name}=${value}`));
    for (const given of [spaced, joined]) {
      expect(given.dataset).toEqual({ project: 'my-project', dataset: 'analytics' });
      expect(given.bqTable).toBe('flights');
      expect(given.location).toBe('europe-west1');
      expect(given.connection.label).toBe('loader@10.1.2.3:5432/warehouse');
      expect(given.pgTable).toEqual({ schema: 'public', name: 'flights' });
      expect(given.pgTableText).toBe('public.flights');
      expect(given.bucket).toBe('my-bucket');
    }
  });

  test('a defect of the program is not laid to the arguments', () => {
    const broken = new Proxy({}, { get: () => JSON.parse('a defect') });
    expect(() => readArguments(words(), broken)).toThrow(SyntaxError);
  });

  test('they come in any order', () => {
    const pairs = Object.entries(GOOD).map(([name, value]) => [`--${name}`, value]);
    const order = fc.shuffledSubarray(pairs, { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(order, (shuffled) => {
        expect(read(shuffled.flat()).pgTableText).toBe('public.flights');
      }),
    );
  });

  test('each that is missing is named, all at once', () => {
    fc.assert(
      fc.property(fc.subarray(Object.keys(GOOD), { minLength: 1, maxLength: 5 }), (missing) => {
        const argv = words(Object.fromEntries(missing.map((name) => [name, undefined])));
        const text = refusal(argv);
        for (const name of Object.keys(GOOD)) {
          expect(text.includes(`--${name} is missing`)).toBe(missing.includes(name));
        }
      }),
    );
  });

  test('no arguments print the usage, with an example for each flag', () => {
    const text = refusal([]);
    for (const name of Object.keys(GOOD)) expect(text.split(`--${name} `)).toHaveLength(3);
    expect(text).toContain('--help');
  });

  test('--help and --version win over everything else', () => {
    expect(readArguments(['--nonsense', '--help'], {})).toEqual({ help: true });
    expect(readArguments(['--version', '--nonsense'], {})).toEqual({ version: true });
  });

  test.each([
    ['--bq-tabel', '--bq-table'],
    ['--bqTable', '--bq-table'],
    ['--bq_table', '--bq-table'],
    ['-bq-table', '--bq-table'],
    ['--BQ-TABLE', '--bq-table'],
    ['--gcs-buckets', '--gcs-bucket'],
    ['--bucket', '--gcs-bucket'],
    ['--location', '--bq-location'],
    ['--pg-con', '--pg-conn'],
    ['-h', '--help'],
    ['--versoin', '--version'],
  ])('for %s, %s is suggested', (written, meant) => {
    expect(refusal([...words(), written])).toContain(`${written} is not a flag\nWrite ${meant}.`);
  });

  test('a misspelt flag is not called missing as well', () => {
    const text = refusal([...words({ 'bq-table': undefined }), '--bq-tabel', 'flights']);
    expect(text).not.toContain('missing');
  });

  test('a flag of another program is told to be left out', () => {
    expect(refusal([...words(), '--frobnicate', 'x'])).toContain('Leave it out');
  });

  test('a flag given twice is refused', () => {
    expect(refusal([...words(), '--bq-table', 'x'])).toContain(
      '--bq-table is given more than once',
    );
  });

  test('a flag that is followed by the next flag needs a value', () => {
    const text = refusal(['--bq-table', ...words({ 'bq-table': undefined })]);
    expect(text).toContain('--bq-table needs a value');
    expect(text).not.toContain('missing');
  });

  test('an empty value, as of a shell variable that is not set, is refused', () => {
    expect(refusal(words({ 'bq-table': '' }))).toContain('--bq-table is empty');
    expect(refusal([...words({ 'bq-table': undefined }), '--bq-table='])).toContain('is empty');
  });

  test('a stray word is refused, with the place where it stands', () => {
    const text = refusal([...words(), 'stray']);
    expect(text).toContain('word 13, after --gcs-bucket and its value, belongs to no flag');
  });

  test('the rest of a password that a shell has split is not repeated', () => {
    const text = refusal([
      ...words({ 'pg-conn': undefined }),
      '--pg-conn',
      'postgres://u:a',
      'hunter2@h/db',
    ]);
    expect(text).toContain('after --pg-conn and its value');
    expect(text).not.toContain('hunter2');
  });

  test('whatever is typed, it is read or refused, and the password is never repeated', () => {
    const secret = 'hunter2';
    const uri = `postgresql://u:${secret}@10.1.2.3/db`;
    const pairs = `host=10.1.2.3 password = ${secret} dbname=db`;
    const word = fc.oneof(
      fc.constantFrom(
        ...['&', ' '].flatMap((rest) => [
          `--pg-conn=postgres://u@h/d?password=a${rest}${secret}`,
          `--pg-conn=postgres://u@h/d?password=a${rest}${secret}=b`,
          `--pg-conn=postgres://u@h/d?password=a${rest}${secret}=b=c`,
          `--pg-conn=host=h password=a${rest}${secret}`,
          `--pg-conn=host=h password=a${rest}${secret}=b`,
        ]),
      ),
      fc.constantFrom(pairs, `--pg-con=${pairs}`, `--pg-table=${pairs}`, `--bq-table=${pairs}`),
      fc.constantFrom(...Object.keys(GOOD).map((name) => `--${name}`)),
      fc.constantFrom(uri, `--pg-con=${uri}`, `-${uri}`, `--${uri}`, `--pg-conn=${uri}@`),
      fc.constantFrom('--', '-', '='),
      fc.string({ maxLength: 8 }).filter((text) => text !== '--help' && text !== '--version'),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        expect(refusal(argv)).not.toContain(secret);
      }),
    );
  });
});

describe('--bq-dataset', () => {
  const dataset = (text: string) => read(words({ 'bq-dataset': text })).dataset;

  test.each([
    ['analytics', undefined, 'analytics'],
    ['_Hidden_2', undefined, '_Hidden_2'],
    ['my-project.analytics', 'my-project', 'analytics'],
    ['example.com:project.analytics', 'example.com:project', 'analytics'],
    ['123456789012.analytics', '123456789012', 'analytics'],
  ])('%s is read', (text, project, name) => {
    expect(dataset(text)).toEqual({ project, dataset: name });
  });

  test.each([
    ['my-project:analytics', 'Write --bq-dataset my-project.analytics.'],
    ['example.com:p1:analytics', 'Write --bq-dataset example.com:p1.analytics.'],
    ['my-project.analytics.flights', 'Write --bq-dataset my-project.analytics --bq-table flights.'],
    ['`my-project.analytics`', 'Write --bq-dataset my-project.analytics.'],
    ['my-dataset', 'letters, digits and underscores'],
    ['My_Project.analytics', 'gcloud projects list'],
    ['my-project.', 'Write dataset or project.dataset'],
    ['a'.repeat(1025), 'is not the name of a dataset'],
  ])('%s is refused with what to write', (text, told) => {
    expect(refusal(words({ 'bq-dataset': text }))).toContain(told);
  });
});

describe('--bq-table', () => {
  test.each(['flights', 'table 01', 'ग्राहक', '00_お客様', 'étudiant-01', '-x', 'a'.repeat(1024)])(
    '%s is read',
    (text) => {
      expect(read(words({ 'bq-table': text })).bqTable).toBe(text);
    },
  );

  test.each([
    ['analytics.flights', 'Write --bq-dataset analytics --bq-table flights.'],
    ['flights$20240501', 'Write --bq-table flights, the'],
    ['flights@1714521600000', 'Write --bq-table flights, the'],
    ['flights_*', 'Write --bq-table TABLE, the name of one table.'],
    ['`flights`', 'Write --bq-table flights.'],
    ['a/b', 'is not a name that a BigQuery table can have'],
    ['é'.repeat(513), 'is not a name that a BigQuery table can have'],
  ])('%s is refused with what to write', (text, told) => {
    expect(refusal(words({ 'bq-table': text }))).toContain(told);
  });
});

describe('--bq-location', () => {
  test.each([
    'US',
    'eu',
    'europe-west1',
    'northamerica-northeast2',
    'aws-us-east-1',
    'azure-eastus2',
  ])('%s is read', (text) => {
    expect(read(words({ 'bq-location': text })).location).toBe(text);
  });

  test.each([
    ['us-central1-a', 'Write its region: --bq-location us-central1.'],
    ['europe_west1', 'Write US, EU or a region'],
    ['europe west1', 'Write US, EU or a region'],
  ])('%s is refused with what to write', (text, told) => {
    expect(refusal(words({ 'bq-location': text }))).toContain(told);
  });
});

describe('--pg-conn', () => {
  test('what is wrong with it is told with all the rest', () => {
    const text = refusal(words({ 'pg-conn': 'mysql://u:hunter2@h/db', 'bq-table': 'a.b' }));
    expect(text).toContain('2 arguments are wrong');
    expect(text).toContain('mysql:// is not PostgreSQL');
    expect(text).not.toContain('hunter2');
  });
});

describe('--pg-table', () => {
  test('is folded as PostgreSQL folds it, and kept as given for sync_state', () => {
    const given = read(words({ 'pg-table': 'Public."My Table"' }));
    expect(given.pgTable).toEqual({ schema: 'public', name: 'My Table' });
    expect(given.pgTableText).toBe('Public."My Table"');
  });

  test.each(['sync_state', 'SYNC_RUNS', 'app."sync_splits"'])(
    '%s is the projector’s own',
    (text) => {
      expect(refusal(words({ 'pg-table': text }))).toContain('its own state');
    },
  );

  test.each([
    'pg_catalog.pg_class',
    'information_schema.t',
    'pg_toast.t',
    'pg_temp.t',
    'PG_TEMP_3.t',
  ])('%s is PostgreSQL’s own', (text) => {
    expect(refusal(words({ 'pg-table': text }))).toContain('keeps the schema');
  });

  test('a name that cannot be read is told how to quote it', () => {
    expect(refusal(words({ 'pg-table': 'a.b.c' }))).toContain('double quotes');
  });
});

describe('--gcs-bucket', () => {
  test.each(['abc', 'a_b-c', '0a0', 'data.example.com', 'a'.repeat(63)])('%s is read', (text) => {
    expect(read(words({ 'gcs-bucket': text })).bucket).toBe(text);
  });

  test.each([
    ['gs://my-bucket', 'Write --gcs-bucket my-bucket.'],
    ['gs://my-bucket/folder/', 'Write --gcs-bucket my-bucket.'],
    ['my-bucket/', 'Write --gcs-bucket my-bucket.'],
    ['gs://', 'Write the name of a bucket.'],
    ['My-Bucket', 'is not a name that a bucket can have'],
    ['ab', 'is not a name that a bucket can have'],
    ['a'.repeat(64), 'is not a name that a bucket can have'],
    ['-abc', 'is not a name that a bucket can have'],
    ['192.168.5.4', 'is not a name that a bucket can have'],
    ['a..b', 'is not a name that a bucket can have'],
  ])('%s is refused with what to write', (text, told) => {
    expect(refusal(words({ 'gcs-bucket': text }))).toContain(told);
  });
});
