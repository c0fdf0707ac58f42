import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type postgres from 'postgres';
import type { ErrorCode } from '../../src/error-codes.ts';
import { ProjectorError } from '../../src/errors.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { dependentsOf } from './read-dependents.ts';
import { connectAs, LOADER, makeTablespace, script } from './swap-fixture.ts';

interface Case {
  readonly what: string;
  /** Run by the superuser in the schema `s`, where rich_owner owns the table t (id, a). */
  readonly setUp: string;
  readonly target?: string;
  readonly code?: ErrorCode;
  readonly message: RegExp;
  readonly hint: RegExp;
}

const INSUFFICIENT_PRIVILEGE = 'INSUFFICIENT_PRIVILEGE';
const OWN_TYPE = /columns it needs, or a type of its own/;

const TREE = `CREATE TABLE s.p (a integer) PARTITION BY LIST (a);
  CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES IN (1);
  ALTER TABLE s.p OWNER TO rich_owner; ALTER TABLE s.p1 OWNER TO rich_owner;`;

const CASES: readonly Case[] = [
  {
    what: 'a view as target',
    setUp: 'CREATE VIEW s.v AS SELECT 1 AS a; ALTER VIEW s.v OWNER TO rich_owner',
    target: 'v',
    message: /"s"\."v" is a view, not a table/,
    hint: /--pg-table/,
  },
  {
    what: 'a materialized view as target',
    setUp:
      'CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS a; ALTER MATERIALIZED VIEW s.m OWNER TO rich_owner',
    target: 'm',
    message: /"s"\."m" is a materialized view, not a table/,
    hint: /--pg-table/,
  },
  {
    what: 'a foreign table as target',
    setUp: `CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
      CREATE FOREIGN TABLE s.f (a integer) SERVER far; ALTER FOREIGN TABLE s.f OWNER TO rich_owner`,
    target: 'f',
    message: /"s"\."f" is a foreign table/,
    hint: /--pg-table/,
  },
  {
    what: 'a foreign partition',
    setUp: `${TREE} CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
      CREATE FOREIGN TABLE s.f PARTITION OF s.p FOR VALUES IN (2) SERVER far;
      ALTER FOREIGN TABLE s.f OWNER TO rich_owner`,
    target: 'p',
    message: /partition "s"\."f" is a foreign table, not a table/,
    hint: /ALTER TABLE "s"\."p" DETACH PARTITION "s"\."f";/,
  },
  {
    what: 'an unlogged partition',
    setUp: `${TREE} ALTER TABLE s.p1 SET UNLOGGED`,
    target: 'p',
    message: /partition "s"\."p1" is an unlogged table/,
    hint: /ALTER TABLE "s"\."p1" SET LOGGED/,
  },
  {
    what: "another role's partition",
    setUp: `${TREE} ALTER TABLE s.p1 OWNER TO rich_stranger`,
    target: 'p',
    code: INSUFFICIENT_PRIVILEGE,
    message: /table "s"\."p1" belongs to "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: "a partition of another role's table",
    setUp: `${TREE} ALTER TABLE s.p OWNER TO rich_stranger`,
    target: 'p1',
    code: INSUFFICIENT_PRIVILEGE,
    message: /partitioned table "s"\."p" belongs to "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: 'a partition in a schema to which nothing may be added',
    setUp: `${TREE} CREATE SCHEMA closed; ALTER TABLE s.p1 SET SCHEMA closed;
      GRANT USAGE ON SCHEMA closed TO PUBLIC`,
    target: 'p',
    code: INSUFFICIENT_PRIVILEGE,
    message: /"loader@project\.iam" may not create in schema "closed"/,
    hint: /GRANT CREATE ON SCHEMA "closed" TO "loader@project\.iam";/,
  },
  {
    what: 'an index that partitions lack',
    setUp: `${TREE} CREATE INDEX half ON ONLY s.p (a)`,
    target: 'p',
    message: /index s\.half of "s"\."p" is not valid: partitions lack it/,
    hint: /ALTER INDEX s\.half ATTACH PARTITION .*DROP INDEX s\.half;/,
  },
  {
    what: 'a partition that is half detached',
    setUp: `${TREE} UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 's.p1'::regclass`,
    target: 'p',
    message: /partition s\.p1 of "s"\."p" is half detached/,
    hint: /ALTER TABLE "s"\."p" DETACH PARTITION s\.p1 FINALIZE;/,
  },
  {
    what: 'a function that takes the row type of a partition',
    setUp: `${TREE} CREATE FUNCTION s.f(s.p1) RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
    target: 'p',
    message: /function s\.f\(s\.p1\) uses a row type/,
    hint: OWN_TYPE,
  },
  {
    what: 'a parent in inheritance',
    setUp: 'CREATE TABLE s.child () INHERITS (s.t)',
    message: /"s"\."t" takes part in table inheritance: it is parent of s\.child/,
    hint: /NO INHERIT/,
  },
  {
    what: 'a child in inheritance',
    setUp: 'CREATE TABLE s.parent (id integer); ALTER TABLE s.t INHERIT s.parent',
    message: /"s"\."t" takes part in table inheritance: it is child of s\.parent/,
    hint: /NO INHERIT/,
  },
  {
    what: 'a typed table',
    setUp: `CREATE TYPE s.kind AS (a integer); CREATE TABLE s.typed OF s.kind;
      ALTER TABLE s.typed OWNER TO rich_owner`,
    target: 'typed',
    message: /"s"\."typed" is a table OF s\.kind/,
    hint: /ALTER TABLE "s"\."typed" NOT OF/,
  },
  {
    what: 'an unlogged table',
    setUp: 'ALTER TABLE s.t SET UNLOGGED',
    message: /"s"\."t" is an unlogged table/,
    hint: /ALTER TABLE "s"\."t" SET LOGGED/,
  },
  {
    what: "an extension's member",
    setUp: 'ALTER EXTENSION plpgsql ADD TABLE s.t',
    message: /"s"\."t" is a member of the extension plpgsql/,
    hint: /--pg-table/,
  },
  {
    what: "a view that is an extension's member",
    setUp: `CREATE VIEW s.v AS SELECT a FROM s.t; ALTER VIEW s.v OWNER TO rich_owner;
      ALTER EXTENSION plpgsql ADD VIEW s.v`,
    message: /view s\.v uses it and is a member of the extension plpgsql/,
    hint: /independent/,
  },
  {
    what: 'a function that takes the row type',
    setUp: `CREATE FUNCTION s.f(s.t) RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
    message: /function s\.f\(s\.t\) uses a row type/,
    hint: OWN_TYPE,
  },
  {
    what: 'a function that returns a set of the row type',
    setUp: `CREATE FUNCTION s.f() RETURNS SETOF s.t LANGUAGE sql AS 'SELECT * FROM s.t'`,
    message: /function s\.f\(\) uses a row type/,
    hint: OWN_TYPE,
  },
  {
    what: 'a column of the row type, in an array',
    setUp: 'CREATE TABLE s.other (rows s.t[])',
    message: /table s\.other uses a row type/,
    hint: OWN_TYPE,
  },
  {
    what: 'a domain over the row type',
    setUp: 'CREATE DOMAIN s.d AS s.t',
    message: /type s\.d uses a row type/,
    hint: OWN_TYPE,
  },
  {
    what: 'a view that shows whole rows',
    setUp: 'CREATE VIEW s.v AS SELECT t AS whole FROM s.t; ALTER VIEW s.v OWNER TO rich_owner',
    message: /view s\.v uses a row type/,
    hint: OWN_TYPE,
  },
  {
    what: 'a materialized view whose row type is used',
    setUp: `CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t;
      ALTER MATERIALIZED VIEW s.m OWNER TO rich_owner; CREATE TABLE s.other (row s.m)`,
    message: /table s\.other uses a row type/,
    hint: OWN_TYPE,
  },
  {
    what: 'a constraint trigger of another table that is declared FROM it',
    setUp: `CREATE TABLE s.other (a integer); CREATE CONSTRAINT TRIGGER c AFTER INSERT ON s.other FROM s.t
      FOR EACH ROW EXECUTE FUNCTION s.nothing()`,
    message: /constraint trigger "c" of s\.other is declared FROM it/,
    hint: /DROP TRIGGER "c" ON s\.other/,
  },
  {
    what: "a constraint's own triggers switched off",
    setUp:
      'ALTER TABLE s.t ADD UNIQUE (id), ADD FOREIGN KEY (a) REFERENCES s.t (id); ALTER TABLE s.t DISABLE TRIGGER ALL',
    message: /a trigger that enforces a constraint of s\.t is disabled/,
    hint: /ENABLE TRIGGER ALL/,
  },
  {
    what: "the triggers of another table's foreign key switched off",
    setUp: `ALTER TABLE s.t ADD UNIQUE (id); CREATE TABLE s.other (a integer REFERENCES s.t (id));
      ALTER TABLE s.other OWNER TO rich_owner; ALTER TABLE s.t DISABLE TRIGGER ALL`,
    message: /a trigger that enforces a constraint of s\.t is disabled/,
    hint: /ENABLE TRIGGER ALL/,
  },
  {
    what: 'a tablespace where nothing may be made',
    setUp: `GRANT CREATE ON TABLESPACE rich_space TO rich_owner;
      CREATE INDEX far ON s.t (a) TABLESPACE rich_space;
      REVOKE CREATE ON TABLESPACE rich_space FROM rich_owner, "loader@project.iam"`,
    code: INSUFFICIENT_PRIVILEGE,
    message:
      /index s\.far is in tablespace "rich_space", where "loader@project\.iam" may not create/,
    hint: /GRANT CREATE ON TABLESPACE "rich_space" TO "loader@project\.iam";/,
  },
  {
    what: 'an invalid index',
    setUp: `CREATE INDEX half ON s.t (a);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = 's.half'::regclass`,
    message: /index "s"\."half" is not valid/,
    hint: /REINDEX INDEX CONCURRENTLY "s"\."half"/,
  },
  {
    what: 'a dependent of a kind that is not known',
    setUp: `CREATE TEXT SEARCH DICTIONARY s.odd (TEMPLATE = simple);
      INSERT INTO pg_depend SELECT 'pg_ts_dict'::regclass, oid, 0, 'pg_class'::regclass,
        's.t'::regclass, 0, 'n' FROM pg_ts_dict WHERE dictname = 'odd'`,
    message: /text search dictionary s\.odd depends on it in a way that is not known here/,
    hint: /another table than "s"\."t"/,
  },
  {
    what: 'something of a kind that is not known that would go with it',
    setUp: `CREATE TEXT SEARCH DICTIONARY s.odd (TEMPLATE = simple);
      INSERT INTO pg_depend SELECT 'pg_ts_dict'::regclass, oid, 0, 'pg_class'::regclass,
        's.t'::regclass, 0, 'a' FROM pg_ts_dict WHERE dictname = 'odd'`,
    message: /text search dictionary s\.odd depends on it in a way that is not known here/,
    hint: /Drop it before the full load/,
  },
  {
    what: "another role's table",
    setUp: 'ALTER TABLE s.t OWNER TO rich_stranger',
    code: INSUFFICIENT_PRIVILEGE,
    message:
      /table "s"\."t" belongs to "rich_stranger", of which "loader@project\.iam" is not a member/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: 'a schema to which nothing may be added',
    setUp: 'REVOKE CREATE ON SCHEMA s FROM rich_owner, "loader@project.iam"',
    code: INSUFFICIENT_PRIVILEGE,
    message: /"loader@project\.iam" may not create in schema "s"/,
    hint: /GRANT CREATE ON SCHEMA "s" TO "loader@project\.iam";/,
  },
  {
    what: "another role's view",
    setUp: 'CREATE VIEW s.v AS SELECT a FROM s.t; ALTER VIEW s.v OWNER TO rich_stranger',
    code: INSUFFICIENT_PRIVILEGE,
    message: /view s\.v depends on it and belongs to "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: "another role's function with an SQL-standard body",
    setUp: `CREATE FUNCTION s.f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM s.t; END;
      ALTER FUNCTION s.f OWNER TO rich_stranger`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /function s\.f\(\) depends on it and belongs to "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: 'a leakproof function',
    setUp: `CREATE FUNCTION s.f() RETURNS bigint LEAKPROOF BEGIN ATOMIC SELECT count(*) FROM s.t; END;
      ALTER FUNCTION s.f OWNER TO rich_owner`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /function s\.f\(\) is LEAKPROOF/,
    hint: /NOT LEAKPROOF/,
  },
  {
    what: "another role's materialized view, on a view on it",
    setUp: `CREATE VIEW s.v AS SELECT a FROM s.t; ALTER VIEW s.v OWNER TO rich_owner;
      CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.v;
      ALTER MATERIALIZED VIEW s.m OWNER TO rich_stranger`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /materialized view s\.m depends on it and belongs to "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: "another role's foreign key to it",
    setUp: `ALTER TABLE s.t ADD PRIMARY KEY (id); CREATE TABLE s.other (id integer REFERENCES s.t);
      ALTER TABLE s.other OWNER TO rich_stranger`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /table s\.other depends on it and belongs to "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: "a foreign key to another role's table, which may not be referenced",
    setUp: `CREATE TABLE s.other (id integer PRIMARY KEY); INSERT INTO s.other VALUES (1);
      ALTER TABLE s.t ADD CONSTRAINT far FOREIGN KEY (a) REFERENCES s.other`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /foreign key "far" of "s"\."t" needs the right to reference "s"\."other"/,
    hint: /GRANT REFERENCES ON "s"\."other" TO "loader@project\.iam";/,
  },
  {
    what: "another role's policy that reads it",
    setUp: `CREATE TABLE s.other (id integer); ALTER TABLE s.other OWNER TO rich_stranger;
      CREATE POLICY p ON s.other USING (id IN (SELECT id FROM s.t))`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /table s\.other depends on it and belongs to "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
  {
    what: "another role's publication",
    setUp: 'CREATE PUBLICATION s_news FOR TABLE s.t',
    code: INSUFFICIENT_PRIVILEGE,
    message: /publication "s_news" publishes it and belongs to "postgres"/,
    hint: /GRANT "postgres" TO "loader@project\.iam";/,
  },
  {
    what: 'an owner that may not create in the schema',
    setUp: `REVOKE CREATE ON SCHEMA s FROM rich_owner`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /"rich_owner", owner of table "s"\."t", may not create in schema "s"/,
    hint: /GRANT CREATE ON SCHEMA "s" TO "rich_owner";/,
  },
  {
    what: "statistics' and a materialized view's owner that may not create in their schema",
    setUp: `CREATE SCHEMA closed; GRANT USAGE, CREATE ON SCHEMA closed TO "loader@project.iam";
      CREATE STATISTICS closed.st ON id, a FROM s.t; ALTER STATISTICS closed.st OWNER TO rich_owner;
      CREATE MATERIALIZED VIEW closed.m AS SELECT a FROM s.t;
      ALTER MATERIALIZED VIEW closed.m OWNER TO rich_owner`,
    code: INSUFFICIENT_PRIVILEGE,
    message:
      /statistics object "closed"\."st", may not create.*materialized view "closed"\."m", may not/,
    hint: /GRANT CREATE ON SCHEMA "closed" TO "rich_owner";/,
  },
  {
    what: "another role's statistics",
    setUp: 'CREATE STATISTICS s.st ON id, a FROM s.t',
    code: INSUFFICIENT_PRIVILEGE,
    message: /statistics object "s"\."st" belongs to "postgres"/,
    hint: /GRANT "postgres" TO "loader@project\.iam";/,
  },
  {
    what: 'a grant by a role in whose name nothing can be granted',
    setUp: `GRANT SELECT ON s.t TO rich_stranger WITH GRANT OPTION; SET ROLE rich_stranger;
      GRANT SELECT ON s.t TO rich_third; RESET ROLE`,
    code: INSUFFICIENT_PRIVILEGE,
    message: /rights on "s"\."t" were given to "rich_third" by "rich_stranger"/,
    hint: /GRANT "rich_stranger" TO "loader@project\.iam";/,
  },
];

let database: TestDatabase;
let loader: postgres.Sql;

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  await database.sql.unsafe(script('rich-roles.sql', 18));
  await makeTablespace(database.uri);
  loader = connectAs(database.uri, LOADER, 2);
});

afterAll(async () => {
  await loader.end();
  await database.drop();
});

/** Everything in the catalog, and when it was last written. */
async function catalogDigest(sql: postgres.ISql): Promise<string> {
  const [row] = await sql<{ digest: string }[]>`
    SELECT md5(string_agg(line, ',' ORDER BY line)) AS digest FROM (
      SELECT c.oid || c.relname || c.relfilenode || c.xmin AS line FROM pg_class c
      UNION ALL SELECT d::text FROM pg_depend d UNION ALL SELECT d::text FROM pg_shdepend d) AS lines`;
  return row?.digest ?? '';
}

const SCHEMA = `
  CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO rich_owner, "loader@project.iam";
  GRANT ALL ON SCHEMA s TO rich_stranger; GRANT USAGE ON SCHEMA s TO rich_third;
  CREATE FUNCTION s.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TABLE s.t (id integer, a integer); ALTER TABLE s.t OWNER TO rich_owner;
  INSERT INTO s.t VALUES (1, 1);`;

describe('refused before the export, by name, with a way out, and the database as it was:', () => {
  for (const {
    what,
    setUp,
    target = 't',
    code = 'UNSUPPORTED_DEPENDENT',
    message,
    hint,
  } of CASES) {
    test(what, async () => {
      await using fixture = await (await sharedPostgres()).createDatabase();
      await fixture.sql.unsafe(`SET allow_system_table_mods = on; ${SCHEMA} ${setUp}`);
      const sql = connectAs(fixture.uri, LOADER, 2);
      const before = await catalogDigest(fixture.sql);
      const error = await dependentsOf(sql, { schema: 's', name: target }).catch((e: unknown) => e);
      await sql.end();
      expect(error).toBeInstanceOf(ProjectorError);
      if (!(error instanceof ProjectorError)) return;
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(hint);
      expect(error.code).toBe(code);
      expect(await catalogDigest(fixture.sql)).toBe(before);
    });
  }
});

test('a temporary table is refused', async () => {
  await using fixture = await (await sharedPostgres()).createDatabase();
  const session = connectAs(fixture.uri, LOADER, 1);
  await session.unsafe('CREATE TEMPORARY TABLE passing (a integer)');
  const [place] = await session<{ schema: string }[]>`
    SELECT relnamespace::regnamespace::text AS schema FROM pg_class WHERE relname = 'passing'`;
  const found = dependentsOf(session, { schema: place?.schema ?? '', name: 'passing' });
  await expect(found).rejects.toThrow('is a temporary table');
  await session.end();
});

test('all that is wrong is reported at once', async () => {
  await database.sql.unsafe(`${SCHEMA} CREATE VIEW s.v AS SELECT a FROM s.t;
    CREATE PUBLICATION s_news FOR TABLE s.t; CREATE TABLE s.other (row s.t)`);
  const error = await dependentsOf(loader, { schema: 's', name: 't' }).catch((e: unknown) => e);
  expect(String(error)).toMatch(/table s\.other.*view s\.v.*publication "s_news"/);
});

test('a target that does not exist has no dependents', async () => {
  expect(await dependentsOf(loader, { schema: 's', name: 'not there' })).toBeUndefined();
});
