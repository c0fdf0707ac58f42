import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEPLOYMENT, REPOSITORY } from './document.ts';

/** The dashboard against the types that Grafana publishes of it, by the compiler. */
setDefaultTimeout(60_000);

/**
 * JSON has no enumerations, and what a query holds beside its base is the data source's own: the rest is
 * as published.
 */
const HEAD = `
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
type Query = { refId: string; datasource: { type: string; uid: string }; rawSql: string; rawQuery: true;
  format: 'table' | 'time_series'; editorMode: 'code' };
type Plain<T> = T extends string ? \`\${T}\`
  : T extends readonly (infer E)[] ? Plain<E>[]
  : T extends { _implementsDataqueryVariant(): void } ? Query
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
export const dashboard: Plain<Dashboard> = `;

const dashboard = readFileSync(join(DEPLOYMENT, 'monitoring/grafana.json'), 'utf8');

let folder: string;
beforeAll(() => {
  mkdirSync(join(REPOSITORY, 'dist'), { recursive: true });
  folder = mkdtempSync(join(REPOSITORY, 'dist/grafana-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function faultsOf(json: string): string {
  writeFileSync(join(folder, 'dashboard.ts'), `${HEAD}${json};\n`);
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'esnext',
  ];
  const tsc = join(REPOSITORY, 'node_modules/.bin/tsc');
  const run = Bun.spawnSync([tsc, ...options, join(folder, 'dashboard.ts')]);
  return run.stdout.toString();
}

test('the dashboard is what Grafana’s schema says', () => {
  expect(faultsOf(dashboard)).toBe('');
});

test('a slip in the dashboard is found', () => {
  expect(faultsOf(dashboard.replace('"gridPos"', '"gridPosition"'))).toContain('gridPosition');
  expect(faultsOf(dashboard.replace('"schemaVersion": 39', '"schemaVersion": "39"'))).toContain(
    'number',
  );
});
