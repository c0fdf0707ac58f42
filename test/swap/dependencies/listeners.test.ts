import { describe, expect, test } from 'bun:test';
import { readWarnings } from '../../../src/swap/dependencies/dependents.ts';
import { openWorld } from '../../scenarios/fixture.ts';
import { exportJobs } from '../../scenarios/inspect.ts';
import { startPostgres } from '../../server/server.ts';
import { createFixture, failureOf, TARGET } from '../objects-fixture.ts';
import { inSnapshot } from '../read-dependents.ts';

const FOR_ALL = 'CREATE PUBLICATION everything FOR ALL TABLES';
const FOR_SCHEMA = 'CREATE PUBLICATION schema_s FOR TABLES IN SCHEMA s';
const SLOT = `SELECT pg_create_logical_replication_slot('replica', 'pgoutput')`;
const OTHER_SLOT = `SELECT pg_create_logical_replication_slot('changes', 'test_decoding')`;

describe('what a full load warns of, whether the target exists or not:', () => {
  for (const { what, listener, warning } of [
    {
      what: 'a publication of all tables',
      listener: FOR_ALL,
      warning:
        /^publication "everything" FOR ALL TABLES publishes the staging table.*DROP PUBLICATION "everything"; CREATE PUBLICATION "everything" FOR TABLE "s"\."t";/,
    },
    {
      what: 'a publication of its schema',
      listener: FOR_SCHEMA,
      warning:
        /^publication "schema_s" FOR TABLES IN SCHEMA "s" publishes .*ALTER PUBLICATION "schema_s" SET TABLE "s"\."t";/,
    },
    {
      what: 'an event trigger',
      listener: `CREATE FUNCTION s.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION s.watch();
        CREATE EVENT TRIGGER asleep ON sql_drop EXECUTE FUNCTION s.watch();
        ALTER EVENT TRIGGER asleep DISABLE`,
      warning: /^event trigger "watcher" \(function s\.watch\) fires/,
    },
  ]) {
    test.each(['SELECT', 'CREATE TABLE s.t (id integer)'])(`${what}; %s`, async (setUp) => {
      await using fixture = await createFixture(setUp);
      await fixture.sql.unsafe(listener);
      const warnings = await inSnapshot(fixture.loader, (sql) => readWarnings(sql, TARGET));
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(warning);
    });
  }
});

test('a publication by table name, of another schema, and a slot that none feeds are nothing to warn of', async () => {
  await using server = await startPostgres({ settings: { wal_level: 'logical' } });
  await using fixture = await createFixture(
    'CREATE TABLE s.t (id integer)',
    Promise.resolve(server),
  );
  await fixture.sql.unsafe(`CREATE PUBLICATION by_name FOR TABLE s.t;
    CREATE PUBLICATION elsewhere FOR TABLES IN SCHEMA public`);
  await fixture.sql.unsafe(SLOT);
  expect(await inSnapshot(fixture.loader, (sql) => readWarnings(sql, TARGET))).toEqual([]);
});

test('with a logical slot, a publication of all tables or of the schema is refused by name', async () => {
  await using server = await startPostgres({ settings: { wal_level: 'logical' } });
  await using fixture = await createFixture('SELECT', Promise.resolve(server));
  await fixture.sql.unsafe(`${FOR_ALL}; ${FOR_SCHEMA}`);
  await fixture.sql.unsafe(OTHER_SLOT);
  expect(await inSnapshot(fixture.loader, (sql) => readWarnings(sql, TARGET))).toHaveLength(2);
  await fixture.sql.unsafe(SLOT);
  const failure = await failureOf(inSnapshot(fixture.loader, (sql) => readWarnings(sql, TARGET)));
  expect(failure.code).toBe('UNSUPPORTED_DEPENDENT');
  expect(failure.message).toMatch(
    /publication "everything" FOR ALL TABLES publishes.*slot "replica".*publication "schema_s"/,
  );
  expect(failure.hint).toContain('CREATE PUBLICATION "everything" FOR TABLE "s"."t";');
  await using world = await openWorld();
  const refused = await world.run({ 'pg-conn': fixture.database.uri, 'pg-table': 's.t' });
  expect(refused.exitCode).toBe(1);
  expect(refused.text).toContain('publication \\"everything\\" FOR ALL TABLES');
  expect(exportJobs(world)).toEqual([]);
  await fixture.sql`SELECT pg_drop_replication_slot('replica')`;
  const warned = await world.run({ 'pg-conn': fixture.database.uri, 'pg-table': 's.t' });
  expect(warned.exitCode).toBe(0);
  expect(
    warned.lines.filter(
      ({ severity, message }) => severity === 'WARNING' && message.startsWith('publication'),
    ),
  ).toHaveLength(2);
});
