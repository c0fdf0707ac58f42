import { expect, test } from 'bun:test';
import { BUCKET, openWorld } from './world.ts';

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

for (const [signal, exitCode] of SIGNALS) {
  test(`${signal} during the export cancels the job, leaves nothing behind, and exits ${exitCode}`, async () => {
    await using world = await openWorld();
    const { google, database } = world;
    const jobs = google.jobs().length;
    await google.sql(
      `INSERT INTO source.rows VALUES (1, 'one', TIMESTAMP '2024-01-01 00:00:00+00')`,
    );
    google.settings.jobSeconds = 3;
    const running = world.start();
    const asked = (part: string) =>
      google.requests.some(({ method, path }) => method === 'POST' && path.includes(part));
    while (!asked('/jobs')) await Bun.sleep(5);
    await Bun.sleep(200);
    running.kill(signal);
    const outcome = await running.outcome;
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.text).toContain(`interrupted by ${signal}`);
    expect(google.jobs().length).toBeGreaterThan(jobs);
    expect(JSON.stringify(google.jobs())).not.toContain('RUNNING');
    expect(google.objects(BUCKET)).toEqual([]);
    const [row] = await database.sql`SELECT status FROM sync_runs`;
    expect(row?.['status']).toBe('interrupted');
    const left = await database.sql`SELECT to_regclass('target') AS target,
      (SELECT count(*)::int FROM pg_class WHERE relname LIKE '%staging%') AS staging`;
    expect(left[0]).toEqual({ target: null, staging: 0 });
  });
}
