import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocksOf, DEPLOYMENT, instructions, REPOSITORY } from './document.ts';

const BLOCKS = blocksOf(instructions());
const read = (name: string) => readFileSync(join(DEPLOYMENT, name), 'utf8');

test('every shell block of the instructions is shell', () => {
  expect(BLOCKS.length).toBeGreaterThan(40);
  for (const { line, shell } of BLOCKS) {
    const run = Bun.spawnSync(['bash', '-n'], { stdin: Buffer.from(shell), stderr: 'pipe' });
    expect({ line, error: run.stderr.toString() }).toEqual({ line, error: '' });
  }
});

test('every variable of the instructions is set before it is used', () => {
  const known = new Set(['HOME', 'PATH', '1', '@']);
  const unknown: string[] = [];
  for (const { shell, line } of BLOCKS) {
    for (const [, name] of shell.matchAll(/(?:^|[\s(])([A-Za-z_]+)=/gm)) known.add(name ?? '');
    for (const [, name] of shell.matchAll(/for (\w+) in/g)) known.add(name ?? '');
    for (const [, name] of shell.matchAll(/(?<!\\)\$\{?([A-Za-z_]+|\d|@)/g))
      if (!known.has(name ?? '')) unknown.push(`line ${line}: ${name}`);
  }
  expect(unknown).toEqual([]);
});

test('the image is made of files that are there', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(\S+)/gm)].map(
    ([, name]) => name ?? '',
  );
  expect(copied).toContain('postgres/each');
  for (const name of copied.filter((each) => !each.startsWith('dist/')))
    expect(existsSync(join(REPOSITORY, name))).toBe(true);
});

/** systemd is not on every machine that develops; the long suite runs the units for real. */
const analyze = Bun.which('systemd-analyze');
test(`systemd finds nothing wrong with the units${analyze === null ? ' (skipped: no systemd-analyze)' : ''}`, () => {
  if (analyze === null) return;
  const folder = mkdtempSync(join(tmpdir(), 'units-'));
  const units = readdirSync(DEPLOYMENT).filter((name) => /\.(service|timer|slice)$/.test(name));
  for (const name of units)
    writeFileSync(
      join(folder, name),
      read(name).replace(/\/usr\/local\/bin\/bq_to_postgres(-each)?/, '/bin/true'),
    );
  const paths = units.map((name) => join(folder, name));
  const run = Bun.spawnSync([analyze, 'verify', '--man=no', ...paths], { stderr: 'pipe' });
  rmSync(folder, { recursive: true });
  expect({ exitCode: run.exitCode, said: run.stderr.toString() }).toEqual({
    exitCode: 0,
    said: '',
  });
});

test('both services are locked down alike', () => {
  const [one, list] = ['bq_to_postgres@.service', 'bq_to_postgres-tables.service'].map((name) =>
    read(name).split(/^DynamicUser/m),
  );
  expect(list?.[1]).toContain('NoNewPrivileges=yes');
  expect(list?.[1]).toBe(one?.[1]);
});
