import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeChecksum } from '../tools/build.ts';
import { makeCertificate } from './certificates.ts';
import { answer, emptyCloud } from './cloud/answer.ts';
import type { Cloud, CloudSettings } from './cloud/cloud.ts';
import {
  type Block,
  blocksOf,
  DEPLOYMENT,
  instructions,
  REPOSITORY,
  scriptOf,
} from './document.ts';
import { startTlsProxy } from './tls-proxy.ts';

/** What happened when the instructions were followed. */
export interface Walk {
  readonly cloud: Cloud;
  readonly exitCode: number;
  /** Everything that was printed, in order. */
  readonly output: string;
  /** The block that was being run when it ended. */
  readonly block: string;
  /** Arguments of the stand-ins that were called, one call a line: `ssh`, `docker`, ... */
  readonly log: (tool: string) => string;
}

export interface Journey {
  /** An empty folder that the walk may fill. */
  readonly folder: string;
  readonly settings: CloudSettings;
  readonly document?: string;
  /** A cloud that is not empty any more. */
  readonly cloud?: Cloud;
  /** The binary that is carried to the machine. */
  readonly binary?: string;
  /** The walk is ended after this time. */
  readonly timeoutMs?: number;
  /** More environment for the stand-ins. */
  readonly environment?: Readonly<Record<string, string>>;
}

const STUBS = new URL('stubs', import.meta.url).pathname;

/** Runs every block of the instructions with the real Cloud SDK, against a cloud made for this walk. */
export async function walk(journey: Journey): Promise<Walk> {
  const place = await furnish(journey);
  const cloud = journey.cloud ?? emptyCloud(journey.settings);
  const names = ['DNS:*.googleapis.com', 'DNS:googleapis.com'];
  const certificate = makeCertificate(place('ca'), names);
  const section = () => (existsSync(place('block')) ? readFileSync(place('block'), 'utf8') : '');
  const proxy = await startTlsProxy(certificate, (host, request) =>
    answer(cloud, host, request, section().replace(/^\d+ /, '')),
  );
  const blocks = blocksOf(journey.document ?? instructions());
  const mark = (block: Block) => `printf %s '${block.line} ${block.section}' >"$STATE/block"`;
  writeFileSync(place('script'), `set -euo pipefail\n${scriptOf(blocks, mark)}`);
  const environment = sdkEnvironment(place, proxy.port, certificate.authority, journey);
  const run = Bun.spawn(['bash', '-c', `exec bash "${place('script')}" 2>&1`], {
    cwd: place('work'),
    env: environment,
    stdin: 'ignore',
    stdout: 'pipe',
    timeout: journey.timeoutMs ?? 1_500_000,
  });
  const output = await new Response(run.stdout).text();
  const exitCode = await run.exited;
  proxy.stop();
  const log = (tool: string) =>
    existsSync(place(`${tool}.log`)) ? readFileSync(place(`${tool}.log`), 'utf8') : '';
  return { cloud, exitCode, output, block: section(), log };
}

/** A copy of what a clone has, and the files that the stand-ins share. */
async function furnish(journey: Journey): Promise<(name: string) => string> {
  const place = (name: string) => join(journey.folder, name);
  mkdirSync(place('work/dist'), { recursive: true });
  mkdirSync(place('home'), { recursive: true });
  cpSync(DEPLOYMENT, place('work/postgres'), { recursive: true });
  const binary = place('work/dist/bq_to_postgres');
  if (journey.binary !== undefined) cpSync(journey.binary, binary);
  else writeFileSync(binary, '#!/bin/sh\n', { mode: 0o755 });
  await writeChecksum(binary);
  writeFileSync(place('token'), 'the-token-of-you\n');
  const discovery = 'lib/google-cloud-sdk/platform/bq/discovery_next/bigquery.json';
  const sdk = Bun.which('gcloud')?.replace(/\/bin\/gcloud$/, '') ?? '';
  writeFileSync(place('home/.bigqueryrc'), `discovery_file = ${join(sdk, discovery)}\n`);
  return place;
}

function sdkEnvironment(
  place: (name: string) => string,
  proxyPort: number,
  authority: string,
  journey: Journey,
): Record<string, string> {
  return {
    PATH: `${STUBS}:${process.env['PATH']}`,
    REAL_PSQL: Bun.which('psql') ?? 'psql',
    HOME: place('home'),
    STATE: journey.folder,
    LANG: 'C.UTF-8',
    CLOUDSDK_CONFIG: place('home/gcloud'),
    CLOUDSDK_CORE_ACCOUNT: journey.settings.account,
    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: place('token'),
    CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: authority,
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1',
    CLOUDSDK_PROXY_TYPE: 'http',
    CLOUDSDK_PROXY_ADDRESS: '127.0.0.1',
    CLOUDSDK_PROXY_PORT: String(proxyPort),
    REPOSITORY,
    ...journey.environment,
  };
}
