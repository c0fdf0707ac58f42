import { expect, test } from 'bun:test';
import { isServerError } from '../../src/swap/constraint-violations.ts';
import { createFixture, failureOf, STAGING, TARGET, texts } from './objects-fixture.ts';
import { fullLoad } from './swap-fixture.ts';

const CASES = [
  {
    what: 'a primary key',
    constraint: 'ADD CONSTRAINT t_pk PRIMARY KEY (id)',
    rows: 'VALUES (1, 1), (1, 2)',
    message: /"t_pk" of "s"\."t": Key \(id\)=\(1\) is duplicated/,
  },
  {
    what: 'a deferrable unique constraint',
    constraint: 'ADD CONSTRAINT once UNIQUE (a) DEFERRABLE INITIALLY DEFERRED',
    rows: 'VALUES (1, 7), (2, 7)',
    message: /"once" of "s"\."t": Key \(a\)=\(7\) is duplicated/,
  },
  {
    what: 'an exclusion constraint',
    constraint: 'ADD CONSTRAINT apart EXCLUDE USING gist (int4range(id, a) WITH &&)',
    rows: 'VALUES (1, 3), (2, 4)',
    message: /"apart" of "s"\."t": Key \(int4range\(id, a\)\)=\(\[1,3\)\) conflicts/,
  },
  {
    what: 'a check',
    constraint: 'ADD CONSTRAINT small CHECK (a < 10)',
    rows: 'VALUES (1, 11)',
    message: /"small" of "s"\."t": Failing row contains \(1, 11\)/,
  },
  {
    what: 'a check that is not valid',
    constraint: 'ADD CONSTRAINT small CHECK (a < 1) NOT VALID',
    rows: 'VALUES (1, 11)',
    message: /"small" of "s"\."t": Failing row contains \(1, 11\)/,
  },
  {
    what: 'a NOT NULL',
    constraint: 'ALTER COLUMN a SET NOT NULL',
    rows: 'VALUES (1, NULL)',
    message: /"a" of "s"\."t": Failing row contains \(1, null\)/,
  },
  {
    what: 'a foreign key',
    constraint: 'ADD CONSTRAINT of_other FOREIGN KEY (a) REFERENCES s.other',
    rows: 'VALUES (1, 1), (2, 4711)',
    message: /"of_other" of "s"\."t": Key \(a\)=\(4711\) is not present in table "other"/,
  },
  {
    what: 'a foreign key that is not valid',
    constraint: 'ADD CONSTRAINT of_other FOREIGN KEY (a) REFERENCES s.other NOT VALID',
    rows: 'VALUES (1, 1), (2, 4711)',
    message: /"of_other" of "s"\."t": Key \(a\)=\(4711\) is not present in table "other"/,
  },
  {
    what: 'a foreign key to itself',
    constraint: 'ADD PRIMARY KEY (id), ADD CONSTRAINT of_t FOREIGN KEY (a) REFERENCES s.t',
    rows: 'VALUES (1, 1), (2, 4711)',
    message: /"of_t" of "s"\."t": Key \(a\)=\(4711\) is not present/,
  },
  {
    what: "another table's foreign key to it",
    constraint: 'ADD PRIMARY KEY (id)',
    after: 'ALTER TABLE s.other ADD CONSTRAINT of_t FOREIGN KEY (id) REFERENCES s.t',
    rows: 'VALUES (2, 2)',
    message: /"of_t" of "s"\."other": Key \(id\)=\(1\) is not present in table "t"/,
  },
] as const;

for (const { what, constraint, rows, message, ...more } of CASES) {
  test(`rows that break ${what} leave the target as it was`, async () => {
    await using fixture = await createFixture(`
      CREATE TABLE s.other (id integer PRIMARY KEY); INSERT INTO s.other VALUES (1);
      CREATE TABLE s.t (id integer, a integer); INSERT INTO s.t VALUES (1, 1);
      ALTER TABLE s.t ${constraint}; ${'after' in more ? more.after : 'SELECT'}`);
    const before = await texts(fixture.sql, `SELECT 's.t'::regclass::oid, * FROM s.t`);
    const failure = await failureOf(
      fullLoad(fixture.loader, { target: TARGET, staging: STAGING, rows }),
    );
    expect(failure.message).toMatch(message);
    expect(failure.code).toBe('CONSTRAINT_VIOLATED');
    expect(failure.exitCode).toBe(1);
    expect(await texts(fixture.sql, `SELECT 's.t'::regclass::oid, * FROM s.t`)).toEqual(before);
  });
}

test('a foreign key that was declared NOT VALID stays so, though the new rows satisfy it', async () => {
  await using fixture = await createFixture(`
    CREATE TABLE s.other (id integer PRIMARY KEY); INSERT INTO s.other VALUES (1);
    CREATE TABLE s.t (id integer, a integer); INSERT INTO s.t VALUES (1, 4711);
    ALTER TABLE s.t ADD CONSTRAINT of_other FOREIGN KEY (a) REFERENCES s.other NOT VALID`);
  await fullLoad(fixture.loader, { target: TARGET, staging: STAGING, rows: 'VALUES (1, 1)' });
  const state = `SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 's.t'::regclass`;
  expect(await texts(fixture.sql, state)).toEqual([
    '{"conname": "of_other", "convalidated": false}',
  ]);
});

test('a lost connection is no error of the server, though EPIPE has five letters', () => {
  const withCode = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ['EPIPE', 'USAGE', 'ECONNRESET']) {
    expect(isServerError(withCode(code))).toBe(false);
  }
  for (const code of ['08006', '42P01', 'XX000', 'P0001', 'HV000', 'F0001']) {
    expect(isServerError(withCode(code))).toBe(true);
  }
});
