import { afterEach, expect, test } from 'bun:test';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { layoutFaults } from './layout.ts';

const REPOSITORY = join(import.meta.dir, '../..');

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function sources(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'layout-'));
  folders.push(root);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

test('imports that point down are in order', async () => {
  const root = sources({
    'src/run/run.ts': "import { plan } from '../plan/plan.ts';\nimport 'node:fs';\n",
    'src/plan/plan.ts': "import { part } from './part.ts';\nimport '../errors.ts';\n",
    'src/plan/part.ts': '',
    'src/errors.ts': '',
  });
  expect(await layoutFaults(root)).toEqual([]);
});

for (const imports of [
  "import { plan } from '../plan/plan.ts';",
  "import type { Plan } from '../plan/plan.ts';",
  "import '../plan/plan.ts';",
  "export * from '../plan/plan.ts';",
  "const { plan } = await import('../plan/plan.ts');",
])
  test(`an import that points up is found: ${imports}`, async () => {
    const root = sources({ 'src/plan/plan.ts': '', 'src/google/storage.ts': imports });
    expect(await layoutFaults(root)).toEqual([
      'src/google/storage.ts imports src/plan/plan.ts, which lies above it',
    ]);
  });

test('a loose file of src imports from no folder', async () => {
  const root = sources({
    'src/report/report.ts': '',
    'src/retry.ts': "import './report/report.ts';",
  });
  expect(await layoutFaults(root)).toEqual([
    'src/retry.ts imports src/report/report.ts, which lies above it',
  ]);
});

test('a folder without a place in the order is found', async () => {
  const root = sources({ 'src/utils/strings.ts': '' });
  expect(await layoutFaults(root)).toEqual([
    'src/utils/strings.ts lies in a folder that is not in FOLDERS',
  ]);
});

test('two files of one name are found', async () => {
  const root = sources({ 'src/swap/locks.ts': '', 'src/swap/build/locks.ts': '' });
  expect(await layoutFaults(root)).toEqual([
    'src/swap/build/locks.ts and src/swap/locks.ts share a name',
  ]);
});

test('a cycle is found by the lint, also one of types', () => {
  const root = sources({
    'src/plan/plan.ts': "import type { Part } from './part.ts';\n\nexport type Plan = Part[];\n",
    'src/plan/part.ts':
      "import type { Plan } from './plan.ts';\n\nexport type Part = { of: Plan };\n",
  });
  cpSync(join(REPOSITORY, 'biome.json'), join(root, 'biome.json'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  const biome = join(REPOSITORY, 'node_modules/.bin/biome');
  const run = Bun.spawnSync([biome, 'check', '--colors=off'], { cwd: root, stderr: 'pipe' });
  expect(run.exitCode).toBe(1);
  expect(run.stderr.toString()).toContain('src/plan/part.ts:1:27 lint/suspicious/noImportCycles');
});
