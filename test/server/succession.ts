import { connectBySocket, runAsSuperuser, type TestDatabase } from './database.ts';
import { startPostgres, type TestServer } from './server.ts';

/** A server with a database, in whose place a standby can step: the database goes on there. */
export interface Succession extends AsyncDisposable {
  /** A new database; its `uri` and `sql` are those of the server that is the primary when they are read. */
  createDatabase(): Promise<TestDatabase>;
  /** Starts a standby, which has every commit that the primary confirms. */
  addStandby(): Promise<void>;
  /** `uri`, which leads to the primary, with the standby as its second host; only a primary will do. */
  listHosts(uri: string): string;
  /** Ends the primary as a crash does, and makes the standby one, `afterMs` later. */
  failOver(afterMs?: number): Promise<void>;
}

/** Starts the first server. Databases end with the servers: there is no need to drop them. */
export async function startSuccession(): Promise<Succession> {
  await using starting = new AsyncDisposableStack();
  let primary = starting.use(await startPostgres());
  let standby: TestServer | undefined;
  const servers = starting.move();

  async function createDatabase(): Promise<TestDatabase> {
    const { name, sql } = await primary.createDatabase();
    let connected = { server: primary, sql };
    const drop = () => connected.sql.end({ timeout: 0 });
    servers.defer(drop);
    return {
      name,
      get uri() {
        return `postgres://postgres@127.0.0.1:${primary.port}/${name}`;
      },
      get sql() {
        if (connected.server !== primary) {
          void connected.sql.end({ timeout: 0 });
          connected = { server: primary, sql: connectBySocket(primary, name, 5) };
        }
        return connected.sql;
      },
      drop,
      [Symbol.asyncDispose]: drop,
    };
  }

  function follower(): TestServer {
    if (standby === undefined) throw new Error('there is no standby');
    return standby;
  }

  return {
    createDatabase,
    async addStandby() {
      standby = servers.use(await startPostgres({ standbyOf: primary }));
      // Without this the last commits may be lost: that is another story.
      await runAsSuperuser(primary, `ALTER SYSTEM SET synchronous_standby_names = '*'`);
      await runAsSuperuser(primary, 'SELECT pg_reload_conf()');
    },
    listHosts: (uri) =>
      uri.replace(/\/(\w+)$/, `,127.0.0.1:${follower().port}/$1?target_session_attrs=read-write`),
    async failOver(afterMs = 0) {
      const next = follower();
      await primary.stop();
      await Bun.sleep(afterMs);
      await runAsSuperuser(next, 'SELECT pg_promote()');
      [primary, standby] = [next, undefined];
    },
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
}
