import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import postgres from 'postgres';
import { readConnection } from '../../src/postgres/connection/connection.ts';
import { type CopyStream, openCopy } from '../../src/postgres/copy-stream.ts';
import { connectPostgres } from '../server/connect.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';

const COPY = 'COPY numbers FROM STDIN';
const MIB = 2 ** 20;

let database: TestDatabase;
let sql: postgres.Sql;

beforeAll(async () => {
  database = await (await sharedPostgres()).createDatabase();
  const connection = readConnection(database.uri, {});
  sql = await connectPostgres(connection, { maxConnections: 2, applicationName: 'copy test' });
  await sql`CREATE TABLE numbers (n int NOT NULL)`;
  // Rows below 0 wait until nobody holds the lock 1.
  await sql.unsafe(`
    CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(1);
      RETURN NEW;
    END $$;
    CREATE TRIGGER wait BEFORE INSERT ON numbers FOR EACH ROW WHEN (NEW.n < 0)
    EXECUTE FUNCTION wait_for_lock()`);
});

afterAll(async () => {
  await sql.end({ timeout: 0 });
  await database.drop();
});

const bytes = (text: string) => Buffer.from(text);

/** What the thrown value says of itself: its SQLSTATE or code. */
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return 'it resolved';
}

/** Sessions of the pool under test that are anything but idle or asking this. */
async function openTransactions(): Promise<number> {
  const [row] = await database.sql`
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'copy test' AND state <> 'idle'`;
  return Number(row?.['count']);
}

async function rowCount(): Promise<number> {
  const [row] = await database.sql`SELECT count(*) FROM numbers`;
  return Number(row?.['count']);
}

/** Holds the lock 1 while `work` runs; what it is given lets go of it. */
async function whileLocked<T>(work: (release: () => Promise<void>) => Promise<T>): Promise<T> {
  const holder = await database.sql.reserve();
  await holder`SELECT pg_advisory_lock(1)`;
  let held = true;
  const release = async () => {
    if (held) await holder`SELECT pg_advisory_unlock(1)`;
    held = false;
  };
  try {
    return await work(release);
  } finally {
    await release();
    holder.release();
  }
}

/** Resolves once a session of the pool waits for the lock. */
async function whenServerWaits(): Promise<void> {
  for (;;) {
    const [waiting] = await database.sql`
      SELECT 1 FROM pg_stat_activity
      WHERE application_name = 'copy test' AND wait_event_type = 'Lock'`;
    if (waiting !== undefined) return;
  }
}

/** Writes until the socket is full: resolves to that write, still pending. */
async function writeUntilFull(copy: CopyStream): Promise<{
  readonly resolvedBytes: number;
  readonly pending: Promise<void>;
}> {
  const chunk = bytes('1\n'.repeat(MIB / 2));
  for (let resolvedBytes = 0; ; resolvedBytes += chunk.byteLength) {
    const pending = copy.write(chunk);
    pending.catch(() => undefined);
    const full = await Promise.race([pending.then(() => false), Bun.sleep(500).then(() => true)]);
    if (full) return { resolvedBytes, pending };
  }
}

describe('a COPY that succeeds', () => {
  test('counts the rows as the server does, not as they were sent', async () => {
    await sql`TRUNCATE numbers`;
    const rows = await sql.begin(async (tx) => {
      const copy = await openCopy(tx, 'COPY numbers FROM STDIN WHERE n > 1');
      await copy.write(bytes('1\n2\n3'));
      await copy.write(new Uint8Array(0));
      await copy.write(bytes('\n'));
      return copy.finish();
    });
    expect(rows).toBe(2);
    expect(await rowCount()).toBe(2);
  });

  test('counts no rows where none were sent', async () => {
    expect(await sql.begin(async (tx) => (await openCopy(tx, COPY)).finish())).toBe(0);
  });

  test('waits for a slow server instead of filling memory', async () => {
    await sql`TRUNCATE numbers`;
    const copied = await whileLocked((release) =>
      sql.begin(async (tx) => {
        const copy = await openCopy(tx, COPY);
        await copy.write(bytes('-1\n'));
        const { resolvedBytes, pending } = await writeUntilFull(copy);
        await release();
        await pending;
        return { rows: await copy.finish(), resolvedBytes };
      }),
    );
    // What the kernel's buffers took.
    expect(copied.resolvedBytes).toBeLessThan(32 * MIB);
    expect(copied.rows).toBe(1 + copied.resolvedBytes / 2 + MIB / 2);
  });

  test('does not fail the next COPY on its connection, however soon that begins', async () => {
    await sql`TRUNCATE numbers`;
    await whileLocked((release) =>
      sql.begin(async (tx) => {
        const first = await openCopy(tx, COPY);
        await first.write(bytes('-1\n'));
        const finished = first.finish();
        await whenServerWaits();
        const second = openCopy(tx, COPY);
        await Bun.sleep(50);
        await release();
        // Both answers are then read at once, and the first stream is destroyed during the second COPY.
        Bun.sleepSync(100);
        expect(await finished).toBe(1);
        await (await second).write(bytes('2\n'));
        expect(await (await second).finish()).toBe(1);
      }),
    );
    expect(await rowCount()).toBe(2);
  });

  test('hands the chunk itself to the socket', async () => {
    const written: ArrayBufferLike[] = [];
    const address = readConnection(database.uri, {}).hosts[0];
    const spied = postgres(database.uri, {
      max: 1,
      fetch_types: false,
      socket: () => {
        const socket: Socket = connect(address?.port ?? 0, '127.0.0.1');
        const write = socket.write.bind(socket) as (...parts: unknown[]) => boolean;
        socket.write = (...parts: unknown[]) => {
          if (parts[0] instanceof Uint8Array) written.push(parts[0].buffer);
          return write(...parts);
        };
        return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
      },
    } as object) as unknown as postgres.Sql;
    const chunk = new Uint8Array(new ArrayBuffer(3));
    chunk.set(bytes('7\n8'));
    await spied.begin(async (tx) => {
      const copy = await openCopy(tx, COPY);
      await copy.write(chunk);
      return copy.finish();
    });
    await spied.end();
    expect(written).toContain(chunk.buffer);
  });
});

describe('a COPY that fails', () => {
  test('after its end rejects with the server’s error, and the transaction rolls back', async () => {
    await sql`TRUNCATE numbers`;
    const failure = sql.begin(async (tx) => {
      await tx`INSERT INTO numbers VALUES (1)`;
      const copy = await openCopy(tx, COPY);
      await copy.write(bytes('2\nnot a number'));
      return copy.finish();
    });
    await expect(failure).rejects.toMatchObject({
      code: '22P02',
      where: 'COPY numbers, line 2, column n: "not a number"',
    });
    expect(await openTransactions()).toBe(0);
    expect(await rowCount()).toBe(0);
  });

  test('by a constraint that is checked at its end rejects with the server’s detail', async () => {
    await sql`CREATE TABLE IF NOT EXISTS keys (k int UNIQUE)`;
    const failure = sql.begin(async (tx) => {
      const copy = await openCopy(tx, 'COPY keys FROM STDIN');
      await copy.write(bytes('5\n5\n'));
      return copy.finish();
    });
    await expect(failure).rejects.toMatchObject({
      code: '23505',
      detail: 'Key (k)=(5) already exists.',
    });
    expect(await openTransactions()).toBe(0);
  });

  test('in its middle rejects the writes that follow', async () => {
    const failure = sql.begin(async (tx) => {
      const copy = await openCopy(tx, COPY);
      const chunk = bytes('not a number\n'.repeat(MIB / 16));
      for (let at = 0; at < 2000; at += 1) await copy.write(chunk);
      return copy.finish();
    });
    expect(await codeOf(failure)).toBe('22P02');
    expect(await openTransactions()).toBe(0);
  });

  test('while a write is pending rejects that write or the end', async () => {
    const code = await whileLocked(() =>
      codeOf(
        sql.begin(async (tx) => {
          const copy = await openCopy(tx, COPY);
          await copy.write(bytes('-1\n'));
          const { pending } = await writeUntilFull(copy);
          await database.sql`
            SELECT pg_cancel_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'copy test' AND wait_event_type = 'Lock'`;
          // The server reads on to its end, so the kernel may yet take the chunk.
          await pending;
          await copy.finish();
        }),
      ),
    );
    expect(code).toBe('57014');
    expect(await openTransactions()).toBe(0);
  });

  test('before it begins rejects, and leaves the connection usable', async () => {
    const failure = sql.begin((tx) => openCopy(tx, 'COPY no_such_table FROM STDIN'));
    expect(await codeOf(failure)).toBe('42P01');
    expect(await codeOf(sql.begin((tx) => openCopy(tx, 'SELECT 1')))).toBe('NOT_A_COPY');
    expect(await openTransactions()).toBe(0);
  });

  test('by abort rejects what is pending with the reason, and rolls back', async () => {
    await sql`TRUNCATE numbers`;
    const reason = new Error('the file was cut short');
    const failure = sql.begin(async (tx) => {
      const copy = await openCopy(tx, COPY);
      await copy.write(bytes('1\n'));
      copy.abort(reason);
      await copy.finish();
    });
    await expect(failure).rejects.toBe(reason);
    expect(await openTransactions()).toBe(0);
    expect(await rowCount()).toBe(0);
    expect(await (await sharedPostgres()).log()).toContain(
      'COPY from stdin failed: Error: the file was cut short',
    );
  });
});

test('a transaction cannot end within a COPY', async () => {
  await sql`TRUNCATE numbers`;
  const failure = sql.begin(async (tx) => {
    const copy = await openCopy(tx, COPY);
    await copy.write(bytes('1\n'));
  });
  expect(await codeOf(failure)).toBe('COPY_IN_PROGRESS');
  expect(await openTransactions()).toBe(0);
  expect(await rowCount()).toBe(0);
});

test('a COPY that its transaction leaves open is failed by the reason, and rolls back', async () => {
  const reason = new Error('the object is gone');
  const failure = sql.begin(async (tx) => {
    await openCopy(tx, COPY);
    throw reason;
  });
  await expect(failure).rejects.toBe(reason);
  expect(await openTransactions()).toBe(0);
});

describe('a COPY whose connection is lost', () => {
  const terminate = () => database.sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'copy test'`;

  test('rejects a pending write, and the pool goes on', async () => {
    const code = await whileLocked(() =>
      codeOf(
        sql.begin(async (tx) => {
          const copy = await openCopy(tx, COPY);
          await copy.write(bytes('-1\n'));
          const { pending } = await writeUntilFull(copy);
          await terminate();
          await pending;
          await copy.finish();
        }),
      ),
    );
    expect(['57P01', 'ECONNRESET', 'EPIPE', 'CONNECTION_CLOSED']).toContain(String(code));
    expect([...(await sql`SELECT 1 AS one`)]).toEqual([{ one: 1 }]);
  });

  test('rejects a pending finish with the server’s last words', async () => {
    const code = await whileLocked(() =>
      codeOf(
        sql.begin(async (tx) => {
          const copy = await openCopy(tx, COPY);
          await copy.write(bytes('-1\n'));
          const finished = copy.finish();
          finished.catch(() => undefined);
          await whenServerWaits();
          await terminate();
          await finished;
        }),
      ),
    );
    expect(code).toBe('57P01');
    expect([...(await sql`SELECT 1 AS one`)]).toEqual([{ one: 1 }]);
  });

  test('rejects the transaction even if its function waits for something else', async () => {
    const code = codeOf(
      sql.begin(async (tx) => {
        await openCopy(tx, COPY);
        await terminate();
        await new Promise(() => undefined);
      }),
    );
    expect(await code).toBe('57P01');
  });
});
