import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '../..');
const ACTIONLINT = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12';

/** Lints workflows; without files, those of the repository. Go is needed to have the tool built. */
function lint(...files: readonly string[]): { exitCode: number; output: string } {
  if (Bun.which('go') === null) throw new Error('install Go: it builds actionlint');
  const command = ['go', 'run', ACTIONLINT, '-no-color', ...files];
  const run = Bun.spawnSync(command, { cwd: ROOT, stdin: 'ignore' });
  return { exitCode: run.exitCode, output: run.stdout.toString() };
}

test('actionlint has nothing against the workflows', () => {
  expect(lint()).toEqual({ exitCode: 0, output: '' });
});

test('actionlint finds a slip in a workflow', async () => {
  const text = await Bun.file(join(ROOT, '.github/workflows/checks.yml')).text();
  const folder = mkdtempSync(join(tmpdir(), 'workflows-'));
  const slip = join(folder, 'slip.yml');
  await Bun.write(slip, text.replace('runs-on:', 'run-on:'));
  const { exitCode, output } = lint(slip);
  rmSync(folder, { recursive: true });
  expect(exitCode).not.toBe(0);
  expect(output).toContain('run-on');
});

test('both workflows run the bun that the README names', async () => {
  const readme = await Bun.file(join(ROOT, 'README.md')).text();
  const [wanted = ''] = /bun@[\d.]+/.exec(readme) ?? [];
  for (const name of ['checks', 'release']) {
    const text = await Bun.file(join(ROOT, `.github/workflows/${name}.yml`)).text();
    expect(new Set(text.match(/bun@[\d.]+/g))).toEqual(new Set([wanted]));
  }
});
