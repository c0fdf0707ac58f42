import { afterAll, beforeAll, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CredentialsError, noCredentials } from '../../src/google/credentials-error.ts';
import type { Fault } from '../gcp/google.ts';
import { openWorld, type World } from '../scenarios/fixture.ts';
import { errorOf } from '../sources/run-well.ts';

let world: World;
let tokens: Bun.Server<undefined>;
const folder = mkdtempSync(join(tmpdir(), 'bq-to-postgres-credentials-'));

beforeAll(async () => {
  world = await openWorld();
  tokens = Bun.serve({ port: 0, fetch: ({ url }) => handOut(new URL(url).pathname) });
});
afterAll(async () => {
  await tokens.stop(true);
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const DENIED = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource";

/** STS and iamcredentials: what they answer to an identity of another cloud. */
function handOut(path: string): Response {
  if (path === '/exchanged') {
    const issued = 'urn:ietf:params:oauth:token-type:access_token';
    const token = { access_token: 'x', expires_in: 3600, token_type: 'Bearer' };
    return Response.json({ ...token, issued_token_type: issued });
  }
  if (path.endsWith(':generateAccessToken')) {
    const error = { code: 403, message: DENIED, status: 'PERMISSION_DENIED' };
    return Response.json({ error }, { status: 403 });
  }
  const refused = { error: 'invalid_target', error_description: 'The target service is invalid.' };
  return Response.json(refused, { status: 400 });
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const KEY = {
  type: 'service_account',
  project_id: 'test-project',
  client_email: 'a@test-project.iam.gserviceaccount.com',
  private_key: privateKey,
};

function ofAnotherCloud(more: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    type: 'external_account',
    audience:
      '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${tokens.url}token`,
    credential_source: { file: file('subject', 'abc') },
    ...more,
  };
}

/** Runs with these credentials; how it fails. */
async function failureWith(credentials: string) {
  const env = {
    GOOGLE_APPLICATION_CREDENTIALS: credentials,
    GOOGLE_CLOUD_PROJECT: 'test-project',
  };
  return await failure(env);
}

async function failure(env: Record<string, string>) {
  const outcome = await world.run({}, env);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.text).not.toContain('[object Object]');
  const { code, message, hint } = errorOf(outcome);
  expect(code).toBe('NO_CREDENTIALS');
  return `${message} ${hint}`;
}

test.each([
  [404, 'A Not Found error was returned while attempting to retrieve an accesstoken'],
  [403, 'A Forbidden error was returned while attempting to retrieve an access token'],
])('a token that the metadata server refuses by %d is no missing table', async (status, words) => {
  const fault: Fault = { kind: 'error', service: 'metadata', path: /token/, status, times: 9 };
  world.google.fail(fault);
  const text = await failure({});
  world.google.heal();
  expect(text).toContain(words);
  expect(text).toContain('Attach a service account to the VM');
});

test('a metadata server that names no project is reported as that', async () => {
  world.google.fail({ kind: 'error', service: 'metadata', path: /project-id/, status: 404 });
  expect(await failure({})).toContain('the metadata server does not name a project');
  world.google.heal();
});

test.each<[string, () => string]>([
  ['does not exist', () => join(folder, 'none.json')],
  ['JSON Parse error', () => file('text.json', 'hello')],
  ['does not contain a client_email field', () => file('empty.json', {})],
  [
    'PEM routines',
    () =>
      file('pem.json', {
        ...KEY,
        private_key: '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n',
      }),
  ],
  [
    'no-such-token does not exist',
    () => file('late.json', ofAnotherCloud({ credential_source: { file: '/no-such-token' } })),
  ],
])('a file of credentials that cannot be used is named: %s', async (words, write) => {
  const path = write();
  const text = await failureWith(path);
  expect(text).toContain(words);
  expect(text).toContain(`Correct the file ${path} (GOOGLE_APPLICATION_CREDENTIALS)`);
});

test('an exchange of tokens that STS refuses is reported with its cause', async () => {
  const text = await failureWith(file('sts.json', ofAnotherCloud()));
  expect(text).toContain('invalid_target: The target service is invalid.');
  expect(text).toContain('Correct the provider of the workload identity pool');
});

test('an impersonation that iamcredentials refuses is not taken for a right on the table', async () => {
  const url = `${tokens.url}v1/projects/-/serviceAccounts/x@y.iam.gserviceaccount.com:generateAccessToken`;
  const more = { token_url: `${tokens.url}exchanged`, service_account_impersonation_url: url };
  const text = await failureWith(file('impersonated.json', ofAnotherCloud(more)));
  expect(text).toContain(DENIED);
  expect(text).toContain('Grant roles/iam.workloadIdentityUser on that service account');
});

test('credentials of another universe are refused, and nothing is asked of BigQuery', async () => {
  const before = world.google.requests.length;
  const text = await failureWith(file('other.json', { ...KEY, universe_domain: 'example.goog' }));
  expect(text).toContain('they are of the universe example.goog, not of googleapis.com');
  expect(world.google.requests.length).toBe(before);
});

test.each([
  ['Unable to detect a Project Id in the current environment.', 'Set GOOGLE_CLOUD_PROJECT'],
  ['invalid_grant', 'gcloud auth application-default login'],
  ['{"error":"invalid_grant","error_description":"Bad Request"}', 'Log in again'],
  ['Could not load the default credentials. Browse to https://cloud.google.com', 'Attach a'],
])('what there is to do about: %s', (message, hint) => {
  expect(noCredentials(new Error(message)).hint).toContain(hint);
});

test('a token server behind a proxy that looks into TLS is a matter of certificates', () => {
  const error = Object.assign(new Error('self signed certificate'), {
    code: 'SELF_SIGNED_CERT_IN_CHAIN',
  });
  expect(noCredentials(new CredentialsError(error)).code).toBe('GOOGLE_TLS_UNTRUSTED');
});
