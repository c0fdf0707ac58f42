import { expect, test } from 'bun:test';
import { createFixture, STAGING, TARGET, texts } from './objects-fixture.ts';
import { fullLoad } from './swap-fixture.ts';

/** What the rich target cannot have as well, since it has another of the kind. */
const SETTINGS = [
  {
    what: 'forced row security, with a foreign key to it',
    setUp: `ALTER TABLE s.t ADD PRIMARY KEY (id), ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE TABLE s.other (id integer REFERENCES s.t); INSERT INTO s.other VALUES (1)`,
    inspect: `SELECT relforcerowsecurity AS x FROM pg_class WHERE oid = 's.t'::regclass`,
  },
  {
    what: 'a policy without row security being on',
    setUp: 'CREATE POLICY p ON s.t FOR DELETE USING (id > 1)',
    inspect: `SELECT polname AS x FROM pg_policy WHERE polrelid = 's.t'::regclass`,
  },
  {
    what: 'replica identity full',
    setUp: 'ALTER TABLE s.t REPLICA IDENTITY FULL',
    inspect: `SELECT relreplident AS x FROM pg_class WHERE oid = 's.t'::regclass`,
  },
  {
    what: 'replica identity nothing',
    setUp: 'ALTER TABLE s.t REPLICA IDENTITY NOTHING',
    inspect: `SELECT relreplident AS x FROM pg_class WHERE oid = 's.t'::regclass`,
  },
  {
    what: 'an owner without any right of its own',
    setUp: 'REVOKE ALL ON s.t FROM rich_owner',
    inspect: `SELECT relacl::text AS x FROM pg_class WHERE oid = 's.t'::regclass`,
  },
  {
    what: 'names of 63 bytes',
    setUp: `ALTER TABLE s.t ADD CONSTRAINT "${'ä'.repeat(31)}x" UNIQUE (id);
      CREATE INDEX "${'i'.repeat(63)}" ON s.t (a); CREATE VIEW s."${'v'.repeat(63)}" AS TABLE s.t`,
    inspect: `SELECT max(length(relname)) AS x FROM pg_class`,
  },
  {
    what: 'names with quotes, dots, spaces and backslashes',
    setUp: `ALTER TABLE s.t ADD COLUMN "a ""b.c\\ REFERENCES s.t(" integer DEFAULT 3;
      ALTER TABLE s.t ADD CONSTRAINT "u'""." UNIQUE ("a ""b.c\\ REFERENCES s.t(");
      CREATE INDEX " USING " ON s.t ("a ""b.c\\ REFERENCES s.t("); COMMENT ON INDEX s." USING " IS E'\\\\''';
      CREATE STATISTICS s." FROM s.t" ON id, a FROM s.t`,
    inspect: `SELECT obj_description('s." USING "'::regclass) AS x`,
  },
  {
    what: 'a table without columns that hold anything but defaults',
    setUp: 'ALTER TABLE s.t DROP COLUMN id, ALTER COLUMN a SET DEFAULT 7',
    inspect: 'SELECT a AS x FROM s.t',
    rows: 'DEFAULT VALUES',
  },
  {
    what: 'a view and a function in a circle',
    setUp: `CREATE VIEW s.v AS SELECT id FROM s.t;
      CREATE FUNCTION s.f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM s.v; END;
      CREATE OR REPLACE VIEW s.v AS SELECT id FROM s.t WHERE id > 0 OR s.f() > 5;
      CREATE MATERIALIZED VIEW s.m AS SELECT count(*) AS n FROM s.t WHERE a > 0`,
    inspect: 'SELECT n AS x FROM s.m',
  },
  {
    what: "a role's own settings of how names and times are written",
    setUp: `ALTER TABLE s.t ADD COLUMN at timestamptz DEFAULT '2020-02-03 04:05:06+00';
      CREATE INDEX since ON s.t (id) WHERE at > '2019-12-31 23:00:00+00';
      ALTER TABLE s.t ALTER COLUMN at SET DEFAULT '2020-02-03 04:05:06+00'::timestamptz - '-1 day 02:00'::interval`,
    inspect: `SELECT pg_get_expr(adbin, adrelid) AS x FROM pg_attrdef WHERE adrelid = 's.t'::regclass`,
    session: `SET datestyle = 'SQL, DMY'; SET intervalstyle = sql_standard; SET timezone = 'Asia/Tokyo';
      SET quote_all_identifiers = on; SET search_path = s, public; SET default_tablespace = ''`,
  },
] as const;

for (const { what, setUp, inspect, ...more } of SETTINGS) {
  test(`a full load keeps ${what}`, async () => {
    await using fixture = await createFixture(`
      CREATE TABLE s.t (id integer, a integer); INSERT INTO s.t VALUES (1, 7); ${setUp}`);
    const before = await texts(fixture.sql, inspect);
    if ('session' in more) {
      const role = '"loader@project.iam"';
      for (const setting of more.session.split(';')) {
        await fixture.sql.unsafe(
          `ALTER ROLE ${role} IN DATABASE ${fixture.database.name} ${setting}`,
        );
      }
    }
    const rows = 'rows' in more ? more.rows : '(id, a) VALUES (1, 7)';
    // The swap itself compares everything else.
    await fullLoad(fixture.loader, { target: TARGET, staging: STAGING, rows });
    expect(await texts(fixture.sql, inspect)).toEqual(before);
  });
}
