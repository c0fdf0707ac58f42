import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import { build, commitText, readTarget, writeChecksum } from './build.ts';

const BUILD_TIMEOUT_MS = 120_000;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'build-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the executable', () => {
  let program: string;
  beforeAll(async () => {
    program = join(directory, 'bq_to_postgres');
    await build({ target: undefined, outfile: program });
  }, BUILD_TIMEOUT_MS);

  /** Runs it with an environment that is empty but for `env`, in a directory of a user's choice. */
  async function start(argv: string[], { cwd = '/', env = {} } = {}) {
    const process = Bun.spawn([program, ...argv], { cwd, env, stdout: 'pipe', stderr: 'pipe' });
    const [out, errors, exitCode] = await Promise.all([
      new Response(process.stdout).text(),
      new Response(process.stderr).text(),
      process.exited,
    ]);
    return { out, errors, exitCode };
  }

  test('starts with an empty environment, and knows its version and commit', async () => {
    const { out, errors, exitCode } = await start(['--version']);
    expect(out).toMatch(
      /^bq_to_postgres \d+\.\d+\.\d+ \((commit [0-9a-f]{7,}(-dirty)?|no commit)\)\n$/,
    );
    expect({ errors, exitCode }).toEqual({ errors: '', exitCode: 0 });
  });

  test('tells wrong arguments, and exits 2', async () => {
    const { out, errors, exitCode } = await start([]);
    expect(JSON.parse(errors)).toMatchObject({ severity: 'ERROR', code: 'USAGE' });
    expect({ out, exitCode }).toEqual({ out: '', exitCode: 2 });
  });

  test('reads no settings from the directory where it is started', async () => {
    const cwd = join(directory, 'elsewhere');
    mkdirSync(cwd);
    writeFileSync(join(cwd, '.env'), 'PGSSLMODE=nonsense\n');
    writeFileSync(join(cwd, 'bunfig.toml'), 'preload = ["./preload.ts"]\n');
    writeFileSync(join(cwd, 'preload.ts'), 'console.log("preloaded"); process.exit(7);\n');
    const argv = ['--pg-conn=postgresql://u@h/db'];
    const here = await start(argv, { cwd });
    expect(JSON.parse(here.errors).message).not.toContain('nonsense');
    expect({ out: here.out, exitCode: here.exitCode }).toEqual({ out: '', exitCode: 2 });
    const told = await start(argv, { cwd, env: { PGSSLMODE: 'nonsense' } });
    expect(JSON.parse(told.errors).message).toContain('nonsense');
  });
});

test('the commit is named, with a mark for changes that are not in it', async () => {
  const repository = join(directory, 'repository');
  mkdirSync(repository);
  const git = (words: string) =>
    $`git -c user.name=t -c user.email=t@t ${{ raw: words }}`.cwd(repository).quiet();
  await git('init');
  await Bun.write(join(repository, 'file'), 'one');
  await git('add file');
  await git('commit -m one');
  await git('tag v1.0.0');
  expect(await commitText(repository)).toMatch(/^commit [0-9a-f]{7,}$/);
  await Bun.write(join(repository, 'file'), 'two');
  expect(await commitText(repository)).toMatch(/^commit [0-9a-f]{7,}-dirty$/);
});

test('without a git repository there is no commit', async () => {
  const bare = join(directory, 'bare');
  mkdirSync(bare);
  expect(await commitText(bare)).toBe('no commit');
});

test('the build takes one target, and nothing else', () => {
  expect(readTarget([])).toBeUndefined();
  expect(readTarget(['--target=bun-linux-arm64'])).toBe('bun-linux-arm64');
  expect(() => readTarget(['--target=arm64'])).toThrow('bun run build');
  expect(() => readTarget(['--minify'])).toThrow('bun run build');
});

test('the checksum beside the executable is one that sha256sum takes', async () => {
  const file = join(directory, 'release');
  await Bun.write(file, 'the bytes of a release');
  await writeChecksum(file);
  expect((await $`sha256sum --check release.sha256`.cwd(directory).quiet()).exitCode).toBe(0);
  await Bun.write(file, 'other bytes');
  const check = $`sha256sum --check release.sha256`.cwd(directory).quiet().nothrow();
  expect((await check).exitCode).toBe(1);
});
