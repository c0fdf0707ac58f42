import { describe, expect, test } from 'bun:test';
import type { Field } from '../gcp/google.ts';
import {
  DATASET,
  type LogLine,
  type Outcome,
  openWorld,
  TABLE,
  type World,
} from '../scenarios/fixture.ts';
import {
  exportJobs,
  leftovers,
  NOTHING_LEFT,
  rowsOf,
  slowExports,
  untilExporting,
} from '../scenarios/inspect.ts';
import type { TestServer } from '../server/server.ts';

const COLUMNS = 'id bigint, day date, name text, max_ingested_at timestamptz';

const SOURCE: readonly Field[] = [
  { name: 'id', type: 'INTEGER' },
  { name: 'day', type: 'DATE' },
  { name: 'name', type: 'STRING' },
  { name: 'max_ingested_at', type: 'TIMESTAMP' },
];

/** Gives the source further columns of text, and these rows instead of its own. */
async function recreateSource({ google }: World, more: readonly string[], rows: string) {
  await google.dropTable(DATASET, TABLE);
  const added = more.map((name) => ({ name, type: 'STRING' }) as const);
  await google.createTable(DATASET, TABLE, [...SOURCE, ...added]);
  await google.sql(`INSERT INTO source.rows VALUES ${rows}`);
}

interface PartitionedWorld extends World {
  /** Runs the program as the owner of the target, who is no superuser. */
  runAsOwner(table?: string): Promise<Outcome>;
  readonly asOwner: { readonly 'pg-conn': string };
  /** Adds a row to the source, `minute` telling how new it is. */
  add(id: number, day: string, name: string, minute: number): Promise<void>;
}

/** A world whose target is made by `setUp`, run by a role of its own, on `server`. */
async function openPartitioned(server: TestServer, setUp: string): Promise<PartitionedWorld> {
  const world = await openWorld(SOURCE, {}, async () => server);
  const { sql, name, uri } = world.database;
  const owner = `owner_${name}`;
  await sql.unsafe(`CREATE ROLE ${owner} LOGIN; GRANT ALL ON SCHEMA public TO ${owner};
    SET ROLE ${owner}; ${setUp}; RESET ROLE`);
  const asOwner = { 'pg-conn': uri.replace('postgres@', `${owner}@`) };
  const dispose = async () => {
    await sql.unsafe(`DROP OWNED BY ${owner} CASCADE; DROP ROLE ${owner}`);
    await world[Symbol.asyncDispose]();
  };
  return {
    ...world,
    asOwner,
    runAsOwner: (table = 'target') => world.run({ ...asOwner, 'pg-table': table }),
    add: async (id, day, text, minute) => {
      await world.google.sql(`INSERT INTO source.rows (id, day, name, max_ingested_at)
        VALUES (${id}, ${day}, '${text}', TIMESTAMP '2026-01-01 00:${minute}:00+00')`);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

const JULY = `DATE '2026-07-01'`;
const AUGUST = `DATE '2026-08-01'`;
const SEPTEMBER = `DATE '2026-09-01'`;

const BY_DAY = `CREATE TABLE target (${COLUMNS}) PARTITION BY RANGE (day);
  CREATE TABLE july PARTITION OF target FOR VALUES FROM ('2026-07-01') TO ('2026-08-01');
  CREATE TABLE august PARTITION OF target FOR VALUES FROM ('2026-08-01') TO ('2026-09-01')`;

function errorOf({ lines }: Outcome): LogLine | undefined {
  return lines.find(({ severity }) => severity === 'ERROR');
}

async function expectRows({ google, database }: World): Promise<void> {
  const source = await google.sql('SELECT id, name FROM source.rows ORDER BY id');
  const target = await database.sql`SELECT id::int, name FROM target ORDER BY id`;
  expect([...target].map((row) => ({ ...row }))).toEqual(
    source.map(({ id, name }) => ({ id: Number(id), name })),
  );
}

/**
 * What the compiled program does with partitioned targets, on the server that `start` gives. Rows
 * without a partition are tried in each mode of run for `each` kind of partitions, or in another one
 * for `another`.
 */
export function testPartitionedTargets(
  start: () => Promise<TestServer>,
  modesFor: 'each' | 'another',
): void {
  const open = async (setUp: string) => openPartitioned(await start(), setUp);

  test('a partitioned target is loaded in full, appended to, and gets new columns, by its owner', async () => {
    await using world = await open(`${BY_DAY};
      CREATE TABLE rest PARTITION OF target DEFAULT;
      CREATE INDEX by_name ON target (name); GRANT SELECT ON july TO PUBLIC;
      CREATE VIEW of_july AS SELECT name FROM july; CREATE VIEW whole_rows AS SELECT t FROM target t;
      INSERT INTO target VALUES (7, '2026-07-01', 'before', NULL)`);
    const { database } = world;
    const oidOf = async (table: string) =>
      (await database.sql.unsafe(`SELECT '${table}'::regclass::oid AS oid`))[0]?.['oid'];
    const [root, leaf] = [await oidOf('target'), await oidOf('july')];
    await world.add(1, JULY, 'one', 1);
    await world.add(2, SEPTEMBER, 'two', 2);
    const first = await world.runAsOwner();
    expect(first.text).toContain('the swap held its locks');
    expect(first.exitCode).toBe(0);
    await expectRows(world);
    expect(await oidOf('target')).toBe(root);
    expect(await oidOf('july')).not.toBe(leaf);
    expect([...(await database.sql`SELECT * FROM of_july`)]).toEqual([{ name: 'one' }]);
    const analyzed =
      await database.sql`SELECT FROM pg_stats WHERE tablename = 'target' AND inherited`;
    expect(analyzed.length).toBeGreaterThan(0);
    await world.add(3, AUGUST, 'three', 3);
    expect((await world.runAsOwner()).exitCode).toBe(0);
    await expectRows(world);
    const at = (minute: number) => `TIMESTAMP '2026-01-01 00:0${minute}:00+00'`;
    const rows = `(1, ${JULY}, 'one', ${at(1)}, NULL`;
    await recreateSource(world, ['more'], `${rows}), (4, ${JULY}, 'four', ${at(4)}, 'new')`);
    expect((await world.runAsOwner()).exitCode).toBe(0);
    expect([...(await database.sql`SELECT more FROM july ORDER BY id`)]).toEqual([
      { more: null },
      { more: 'new' },
    ]);
    // A full load adds a column as well.
    await recreateSource(
      world,
      ['more', 'last'],
      `${rows}, 'first'), (5, ${AUGUST}, '5', ${at(5)}, 'x', 'y')`,
    );
    await database.sql`UPDATE sync_state SET last_synced_at = NULL`;
    expect((await world.runAsOwner()).exitCode).toBe(0);
    await expectRows(world);
    expect([...(await database.sql`SELECT more, last FROM target ORDER BY id`)]).toEqual([
      { more: null, last: 'first' },
      { more: 'x', last: 'y' },
    ]);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  });

  test('increments upsert through the root by a key that holds the partition columns', async () => {
    await using world = await open(`${BY_DAY}; ALTER TABLE target ADD PRIMARY KEY (id, day)`);
    await world.add(1, JULY, 'one', 1);
    await world.add(2, AUGUST, 'two', 2);
    expect((await world.runAsOwner()).exitCode).toBe(0);
    await world.google.sql(`DELETE FROM source.rows WHERE id = 2`);
    await world.add(2, AUGUST, 'two again', 3);
    await world.add(3, JULY, 'three', 4);
    expect((await world.runAsOwner()).exitCode).toBe(0);
    await expectRows(world);
  });

  test('a key that only partitions have is refused by name, and the statement of the hint mends it', async () => {
    await using world = await open(`${BY_DAY};
      ALTER TABLE july ADD PRIMARY KEY (id); ALTER TABLE august ADD PRIMARY KEY (id)`);
    await world.add(1, JULY, 'one', 1);
    expect((await world.runAsOwner()).exitCode).toBe(0);
    await world.add(2, AUGUST, 'two', 2);
    const refused = errorOf(await world.runAsOwner());
    expect(refused?.['code']).toBe('CANNOT_UPSERT');
    expect(refused?.message).toMatch(
      /partition "public"\."august" has the primary key \("id"\), and "public"\."target" has none.*\("day"\)/,
    );
    const [statement = ''] = /ALTER TABLE [^;]*;/.exec(String(refused?.['hint'])) ?? [];
    await world.database.sql.unsafe(`ALTER TABLE july DROP CONSTRAINT july_pkey;
      ALTER TABLE august DROP CONSTRAINT august_pkey; ${statement}`);
    expect((await world.runAsOwner()).exitCode).toBe(0);
    await expectRows(world);
  });

  describe('a row without a partition is told by its key, with the query and the statement, in', () => {
    const MODES = ['a full load', 'an append', 'an upsert'] as const;
    const KINDS = [
      {
        kind: 'RANGE',
        setUp: BY_DAY,
        message: 'no partition of "public"."target" takes rows with day = 2026-09-01',
      },
      {
        kind: 'LIST, on the second level',
        setUp: `CREATE TABLE target (${COLUMNS}) PARTITION BY RANGE (day);
          CREATE TABLE late PARTITION OF target DEFAULT PARTITION BY LIST (name);
          CREATE TABLE early PARTITION OF target FOR VALUES FROM ('2026-07-01') TO ('2026-08-01')`,
        message: `no partition of "public"."late" takes rows with name = it's`,
      },
      {
        kind: 'HASH',
        setUp: `CREATE TABLE target (${COLUMNS}) PARTITION BY HASH (id, day);
          DO $$ BEGIN FOR r IN 0..3 LOOP
            IF NOT satisfies_hash_partition('target'::regclass, 4, r, 2::bigint, date '2026-09-01') THEN
              EXECUTE format('CREATE TABLE hash_%s PARTITION OF target FOR VALUES WITH (MODULUS 4, REMAINDER %s)', r, r);
            END IF; END LOOP; END $$`,
        message: 'no partition of "public"."target" takes rows with (id, day) = (2, 2026-09-01)',
      },
    ];
    for (const [at, { kind, setUp, message }] of KINDS.entries()) {
      for (const mode of modesFor === 'each' ? MODES : MODES.slice(at, at + 1)) {
        test(`${kind}, in ${mode}`, async () => {
          const key = kind.startsWith('LIST') ? '(id, day, name)' : '(id, day)';
          await using world = await open(
            mode === 'an upsert' ? `${setUp}; ALTER TABLE target ADD PRIMARY KEY ${key}` : setUp,
          );
          await world.add(1, JULY, 'one', 1);
          if (mode !== 'a full load') expect((await world.runAsOwner()).exitCode).toBe(0);
          const before = await rowsOf(world);
          await world.add(2, SEPTEMBER, "it\\'s", 2);
          const outcome = await world.runAsOwner();
          const error = errorOf(outcome);
          expect({ message: error?.message, code: error?.['code'] }).toEqual({
            message: expect.stringContaining(message),
            code: 'VALUE_DOES_NOT_FIT',
          });
          expect(outcome.exitCode).toBe(1);
          expect(await rowsOf(world)).toEqual(before);
          const hint = String(error?.['hint']);
          const [query = ''] = /SELECT .*?;/s.exec(hint) ?? [];
          expect((await world.google.sql(query)).map(({ id }) => Number(id))).toEqual([2]);
          const statements = hint.match(/CREATE TABLE .*?(?: DEFAULT|\);)/gs) ?? [];
          const complete = statements.filter((statement) => !statement.includes('(...)'));
          expect(complete.length).toBeGreaterThan(0);
          await world.database.sql.unsafe(
            `SET ROLE owner_${world.database.name}; ${complete.join(';')}; RESET ROLE`,
          );
          expect((await world.runAsOwner()).exitCode).toBe(0);
          await expectRows(world);
        }, 30_000);
      }
    }
  });

  test('a partition by itself is loaded, upserted, and refuses rows outside of its bound', async () => {
    await using world = await open(`${BY_DAY}; ALTER TABLE target ADD PRIMARY KEY (id, day);
      CREATE TABLE rest PARTITION OF target DEFAULT; INSERT INTO rest VALUES (9, '2030-01-01', 'r', NULL);
      INSERT INTO august VALUES (8, '2026-08-08', 'kept', NULL)`);
    const { database } = world;
    const whole = () => database.sql`SELECT id::int FROM target ORDER BY id`;
    await world.add(1, JULY, 'one', 1);
    const first = await world.runAsOwner('july');
    expect(first.exitCode).toBe(0);
    expect(first.text).toContain('default partition \\"public\\".\\"rest\\" scanned');
    expect([...(await whole())]).toEqual([{ id: 1 }, { id: 8 }, { id: 9 }]);
    await world.add(2, JULY, 'two', 2);
    expect((await world.runAsOwner('july')).exitCode).toBe(0);
    expect([...(await whole())]).toEqual([{ id: 1 }, { id: 2 }, { id: 8 }, { id: 9 }]);
    await world.add(3, AUGUST, 'three', 3);
    for (const mode of ['incremental', 'full']) {
      if (mode === 'full') await database.sql`UPDATE sync_state SET last_synced_at = NULL`;
      const error = errorOf(await world.runAsOwner('july'));
      expect(error?.['code']).toBe('VALUE_DOES_NOT_FIT');
      expect(error?.message).toContain(
        `a row does not belong to "public"."july", which is the partition FOR VALUES FROM ('2026-07-01') TO ('2026-08-01') of "public"."target"`,
      );
      expect(error?.['hint']).toContain('--pg-table public.target');
      expect([...(await whole())]).toEqual([{ id: 1 }, { id: 2 }, { id: 8 }, { id: 9 }]);
    }
    await recreateSource(world, ['more'], `(1, ${JULY}, 'one', NULL, 'new')`);
    const lacking = errorOf(await world.runAsOwner('july'));
    expect(lacking?.['code']).toBe('COLUMN_NOT_IN_PARENT');
    await database.sql.unsafe(String(lacking?.['hint']));
    expect((await world.runAsOwner('july')).exitCode).toBe(0);
  });

  test.each([
    ['the owner', (owner: string) => `SET ROLE ${owner}`, 'Run again'],
    ['somebody else', () => 'RESET ROLE', 'Before the next: GRANT "postgres" TO "owner_'],
  ])(
    'a partition that is added during a load by %s ends the run without a change',
    async (_, becomeRole, hint) => {
      await using world = await open(BY_DAY);
      const { sql, name } = world.database;
      await world.add(1, JULY, 'one', 1);
      slowExports(world, 2);
      const run = world.start(world.asOwner);
      await untilExporting(world);
      await sql.unsafe(`${becomeRole(`owner_${name}`)};
      CREATE TABLE september PARTITION OF target FOR VALUES FROM ('2026-09-01') TO ('2026-10-01');
      RESET ROLE`);
      const error = errorOf(await run.outcome);
      expect(error?.['code']).toBe('DEPENDENTS_CHANGED');
      expect(error?.message).toContain('"public"."september"');
      expect(error?.['hint']).toContain(hint);
      expect(await rowsOf(world)).toEqual([]);
      slowExports(world, 0);
      await sql.unsafe(`ALTER TABLE september OWNER TO owner_${name}`);
      expect((await world.runAsOwner()).exitCode).toBe(0);
      await expectRows(world);
    },
  );

  test('a foreign partition is refused by name before any export', async () => {
    await using world = await open(BY_DAY);
    const { sql, name } = world.database;
    await sql.unsafe(`CREATE FOREIGN DATA WRAPPER far; CREATE SERVER far FOREIGN DATA WRAPPER far;
      GRANT USAGE ON FOREIGN SERVER far TO owner_${name}; SET ROLE owner_${name};
      CREATE FOREIGN TABLE remote PARTITION OF target FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')
        SERVER far; RESET ROLE`);
    await world.add(1, JULY, 'one', 1);
    const error = errorOf(await world.runAsOwner());
    expect(error?.['code']).toBe('UNSUPPORTED_DEPENDENT');
    expect(error?.message).toContain('partition "public"."remote" is a foreign table');
    expect(error?.['hint']).toContain('DETACH PARTITION "public"."remote"');
    expect(exportJobs(world)).toEqual([]);
  });

  test('a full load of a partitioned target that was killed is resumed', async () => {
    await using world = await open(BY_DAY);
    const { google, database } = world;
    google.settings.exportShards = 4;
    await google.duckdb(`INSERT INTO ${google.tableName('source', 'rows')}
      SELECT i, DATE '2026-07-01' + (i % 60)::int, 'row ' || i, TIMESTAMPTZ '2026-01-01 00:00:00+00'
      FROM range(1, 4001) AS r(i)`);
    const slow = { service: 'storage', path: /alt=media/, kind: 'stall' } as const;
    google.fail({ ...slow, afterBytes: 2000, nth: 4, times: 99 });
    const run = world.start(world.asOwner);
    const splits = async () => {
      const [there] = await database.sql`SELECT to_regclass('sync_splits') AS splits`;
      if (there?.['splits'] == null) return 0;
      return (await database.sql`SELECT FROM sync_splits`).length;
    };
    while ((await splits()) === 0) await Bun.sleep(10);
    run.kill('SIGKILL');
    await run.outcome;
    google.heal();
    const { exitCode, text } = await world.runAsOwner();
    expect(text).toContain('resuming its export');
    expect(exitCode).toBe(0);
    await expectRows(world);
    expect(await leftovers(world)).toEqual(NOTHING_LEFT);
  });
}
