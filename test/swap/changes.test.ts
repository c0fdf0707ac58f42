import { expect, test } from 'bun:test';
import { finishStaging } from '../../src/swap/build/finish-staging.ts';
import { createFixture, failureOf, STAGING, TARGET, texts } from './objects-fixture.ts';
import { dependentsOf } from './read-dependents.ts';
import { fillStaging, fullLoad, swapIn } from './swap-fixture.ts';

const SET_UP = `
  CREATE TABLE s.t (id integer PRIMARY KEY, a integer DEFAULT 1); INSERT INTO s.t VALUES (1, 1);
  CREATE INDEX by_a ON s.t (a); CREATE VIEW s.v AS SELECT a FROM s.t;
  CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t;
  GRANT SELECT ON s.t TO rich_reader`;
const LOAD = { target: TARGET, staging: STAGING, rows: 'VALUES (2, 2)' };

const CHANGES = [
  {
    what: 'an index is added',
    change: 'CREATE INDEX new_one ON s.t (id)',
    names: /indexes new_one/,
  },
  { what: 'an index is dropped', change: 'DROP INDEX s.by_a', names: /indexes by_a/ },
  {
    what: 'a view is added',
    change: 'CREATE VIEW s.v2 AS SELECT id FROM s.t; ALTER VIEW s.v2 OWNER TO rich_owner',
    names: /views "s"\."v2"/,
  },
  {
    what: 'a view is redefined',
    change: 'CREATE OR REPLACE VIEW s.v AS SELECT a + 0 AS a FROM s.t',
    names: /views "s"\."v"/,
  },
  {
    what: 'a materialized view is refreshed with no data',
    change: 'REFRESH MATERIALIZED VIEW s.m WITH NO DATA',
    names: /materialized views "s"\."m"/,
  },
  { what: 'a right is granted', change: 'GRANT INSERT ON s.t TO rich_reader', names: /grants/ },
  { what: 'a comment is made', change: `COMMENT ON COLUMN s.t.a IS 'x'`, names: /COLUMN s\.t\.a/ },
  { what: 'a column is added', change: 'ALTER TABLE s.t ADD COLUMN b text', names: /columns b/ },
  {
    what: 'a default is changed',
    change: 'ALTER TABLE s.t ALTER a SET DEFAULT 2',
    names: /columns a/,
  },
  {
    what: 'row security is switched on',
    change: 'ALTER TABLE s.t ENABLE ROW LEVEL SECURITY',
    names: /tables "s"\."t"/,
  },
  { what: 'the table is dropped', change: 'DROP TABLE s.t CASCADE', names: /the table/ },
] as const;

const TREE = `
  CREATE TABLE s.t (id integer, a integer DEFAULT 1, PRIMARY KEY (id)) PARTITION BY RANGE (id);
  CREATE TABLE s.low PARTITION OF s.t FOR VALUES FROM (1) TO (5);
  CREATE TABLE s.high PARTITION OF s.t FOR VALUES FROM (5) TO (9); INSERT INTO s.t VALUES (1, 1);
  CREATE VIEW s.v AS SELECT a FROM s.t; CREATE VIEW s.of_low AS SELECT a FROM s.low;
  CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t; GRANT SELECT ON s.t TO rich_reader`;

const TREE_CHANGES = [
  {
    what: 'a partition is added',
    change: `SET ROLE rich_owner;
      CREATE TABLE s.top PARTITION OF s.t FOR VALUES FROM (9) TO (12); RESET ROLE`,
    names: /tables "s"\."top"/,
  },
  {
    what: 'a partition is detached',
    change: 'ALTER TABLE s.t DETACH PARTITION s.high',
    names: /tables "s"\."high"/,
  },
  {
    what: 'a partition gets another bound',
    change: `ALTER TABLE s.t DETACH PARTITION s.high;
      ALTER TABLE s.t ATTACH PARTITION s.high FOR VALUES FROM (6) TO (9)`,
    names: /tables "s"\."high"/,
  },
  {
    what: 'a partition is partitioned itself',
    change: `DROP TABLE s.high; SET ROLE rich_owner;
      CREATE TABLE s.high PARTITION OF s.t FOR VALUES FROM (5) TO (9) PARTITION BY LIST (id);
      RESET ROLE`,
    names: /partitioned "s"\."high"/,
  },
  {
    what: 'a partition gets an index',
    change: 'CREATE INDEX on_low ON s.low (a)',
    names: /indexes on_low/,
  },
  {
    what: 'the whole gets an index',
    change: 'CREATE INDEX on_all ON s.t (a)',
    names: /indexes low_a_idx, indexes high_a_idx|indexes high_a_idx, indexes low_a_idx/,
  },
  {
    what: 'the whole gets a column',
    change: 'ALTER TABLE s.t ADD COLUMN b text',
    names: /columns b/,
  },
  {
    what: 'a view of a partition is redefined',
    change: 'CREATE OR REPLACE VIEW s.of_low AS SELECT a + 0 AS a FROM s.low',
    names: /views "s"\."of_low"/,
  },
] as const;

const CASES = [
  ...CHANGES.map((change) => ({ setUp: SET_UP, ...change })),
  ...TREE_CHANGES.map((change) => ({ setUp: TREE, ...change })),
];

for (const { setUp, what, change, names } of CASES) {
  test(`the swap is refused if ${what} while the rows are loaded`, async () => {
    await using fixture = await createFixture(setUp);
    const { loader, sql } = fixture;
    const dependents = await dependentsOf(loader, TARGET);
    await fillStaging(loader, LOAD, dependents);
    await finishStaging(loader, { target: TARGET, staging: STAGING, dependents }, () => undefined);
    await sql.unsafe(change);
    const after = await texts(sql, `SELECT oid, relname, relfilenode FROM pg_class ORDER BY oid`);
    const failure = await failureOf(swapIn(loader, LOAD, dependents));
    expect(failure.code).toBe('DEPENDENTS_CHANGED');
    expect(failure.message).toMatch(names);
    expect(failure.hint).toContain('Run again');
    expect(await texts(sql, `SELECT oid, relname, relfilenode FROM pg_class ORDER BY oid`)).toEqual(
      after,
    );
  });
}

test('what only the root of a tree has can change while the rows are loaded: it stays', async () => {
  await using fixture = await createFixture(TREE);
  const { loader, sql } = fixture;
  const dependents = await dependentsOf(loader, TARGET);
  await fillStaging(loader, LOAD, dependents);
  await finishStaging(loader, { target: TARGET, staging: STAGING, dependents }, () => undefined);
  await sql.unsafe(`CREATE VIEW s.later AS SELECT id FROM s.t; COMMENT ON TABLE s.t IS 'later';
    GRANT INSERT ON s.t TO rich_reader; CREATE OR REPLACE VIEW s.v AS SELECT a + 0 AS a FROM s.t`);
  await swapIn(loader, LOAD, dependents);
  expect(await texts(sql, 'SELECT * FROM s.later')).toEqual(['{"id": 2}']);
  expect(await texts(sql, `SELECT obj_description('s.t'::regclass) AS comment`)).toEqual([
    '{"comment": "later"}',
  ]);
});

test('a dependent that changes while the swap waits for its locks is found out too', async () => {
  await using fixture = await createFixture(SET_UP);
  const { loader, sql } = fixture;
  const dependents = await dependentsOf(loader, TARGET);
  await fillStaging(loader, LOAD, dependents);
  await finishStaging(loader, { target: TARGET, staging: STAGING, dependents }, () => undefined);
  const release = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holder = sql.begin(async (transaction) => {
    await transaction`SET LOCAL ROLE rich_owner`;
    await transaction`CREATE VIEW s.late AS SELECT id FROM s.t`;
    await transaction`LOCK TABLE s.t`;
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const options = { onWait: () => release.resolve() };
  const failure = await failureOf(swapIn(loader, { ...LOAD, options }, dependents));
  await holder;
  expect(failure.code).toBe('DEPENDENTS_CHANGED');
  expect(failure.message).toMatch(/views "s"\."late"/);
  expect(await texts(sql, 'SELECT * FROM s.t')).toEqual(['{"a": 1, "id": 1}']);
});

test('a target that came into being during a first load is left alone', async () => {
  await using fixture = await createFixture('SELECT');
  const { loader, sql } = fixture;
  const load = {
    ...LOAD,
    added: [{ name: 'id', type: 'integer', notNull: true }],
    rows: 'VALUES (1)',
  };
  await fillStaging(loader, load, undefined);
  await finishStaging(
    loader,
    { target: TARGET, staging: STAGING, dependents: undefined },
    () => undefined,
  );
  await sql.unsafe('CREATE TABLE s.t (other text)');
  const failure = await failureOf(swapIn(loader, load, undefined));
  expect(failure.code).toBe('DEPENDENTS_CHANGED');
});

test('a first load makes the table, and the next adds columns at its end', async () => {
  await using fixture = await createFixture('SELECT');
  const { loader, sql } = fixture;
  const added = [{ name: 'Id', type: 'integer', notNull: true, comment: "it's" }];
  await fullLoad(loader, { ...LOAD, added, rows: 'VALUES (1)' });
  await fullLoad(loader, {
    ...LOAD,
    added: [{ name: 'b', type: 'text', notNull: false, comment: 'new' }],
    rows: `VALUES (2, 'two')`,
  });
  expect(await texts(sql, 'SELECT * FROM s.t')).toEqual(['{"b": "two", "Id": 2}']);
  const comments = `SELECT attname, attnotnull, col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = 's.t'::regclass AND attnum > 0 ORDER BY attnum`;
  expect(await texts(sql, comments)).toEqual([
    `{"attname": "Id", "attnotnull": true, "col_description": "it's"}`,
    `{"attname": "b", "attnotnull": false, "col_description": "new"}`,
  ]);
  const notNulls = `SELECT conname FROM pg_constraint WHERE conrelid = 's.t'::regclass`;
  expect(await texts(sql, notNulls)).toEqual(['{"conname": "t_Id_not_null"}']);
});
