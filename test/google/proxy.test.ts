import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exemptMetadataServer } from '../../src/google/proxy.ts';
import { openLoadedWorld } from '../scenarios/fixture.ts';
import { rowsOf } from '../scenarios/inspect.ts';
import { createAuthority } from '../server/certificates.ts';
import { errorOf } from '../sources/run-well.ts';

/** A proxy that passes on what it is asked for, and remembers for which hosts that was. */
async function startProxy() {
  const hosts: string[] = [];
  const server = createServer((asked, answer) => {
    const url = new URL(asked.url ?? '');
    hosts.push(url.host);
    const options = { method: asked.method, headers: asked.headers };
    const onward = httpRequest(url, options, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  server.on('connect', (asked, client) => {
    hosts.push(asked.url ?? '');
    const [host = '', port] = asked.url?.split(':') ?? [];
    const onward = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    hosts,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test.each(['HTTPS_PROXY', 'https_proxy'])(
  '%s is used, and not for the metadata server',
  async (name) => {
    using proxy = await startProxy();
    await using world = await openLoadedWorld();
    const { GCE_METADATA_HOST: metadata = '', BIGQUERY_EMULATOR_HOST: google = '' } =
      world.google.env;
    const { host } = new URL(google);
    const outcome = await world.run(
      {},
      { [name]: proxy.url, GCE_METADATA_HOST: metadata.replace('127.0.0.1', 'localhost') },
    );
    expect({ exitCode: outcome.exitCode, text: outcome.text }).toMatchObject({ exitCode: 0 });
    expect(await rowsOf(world)).toHaveLength(2);
    expect(new Set(proxy.hosts)).toEqual(new Set([host]));
  },
);

test.each([
  [{}, ''],
  [{ NO_PROXY: 'a.example' }, 'a.example,'],
  [{ no_proxy: '.example,b' }, '.example,b,'],
])('both names of the metadata server are added to %p', (env, before) => {
  const changed: Record<string, string | undefined> = { ...env };
  exemptMetadataServer(changed);
  const names = 'metadata.google.internal,metadata.google.internal.,169.254.169.254';
  expect(changed['NO_PROXY']).toBe(`${before}${names}`);
});

/** Answers for Google with a certificate of its own, as a proxy does that looks into TLS. */
function startInspector(google: string) {
  const authority = createAuthority('Inspecting proxy');
  const { cert, key } = authority.issue('google', ['127.0.0.1']);
  const server = Bun.serve({
    port: 0,
    tls: { cert, key },
    fetch: ({ method, url, headers, body }) => {
      const { pathname, search } = new URL(url);
      return fetch(google + pathname + search, { method, headers, body, decompress: false });
    },
  });
  const origin = `https://127.0.0.1:${server.port}`;
  return {
    authority: authority.cert,
    env: { BIGQUERY_EMULATOR_HOST: origin, STORAGE_EMULATOR_HOST: origin },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

test('a proxy that looks into TLS is known by its certificate, and trusted by NODE_EXTRA_CA_CERTS', async () => {
  await using world = await openLoadedWorld();
  await using inspector = startInspector(world.google.env['BIGQUERY_EMULATOR_HOST'] ?? '');
  const refused = await world.run({}, inspector.env);
  expect(refused.exitCode).toBe(1);
  expect(errorOf(refused)).toMatchObject({
    code: 'GOOGLE_TLS_UNTRUSTED',
    hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  });
  const authority = join(mkdtempSync(join(tmpdir(), 'bq-to-postgres-proxy-')), 'authority.pem');
  writeFileSync(authority, inspector.authority);
  const trusted = await world.run({}, { ...inspector.env, NODE_EXTRA_CA_CERTS: authority });
  rmSync(dirname(authority), { recursive: true });
  expect({ exitCode: trusted.exitCode, text: trusted.text }).toMatchObject({ exitCode: 0 });
  expect(await rowsOf(world)).toHaveLength(2);
});
