import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import type { Certificate } from './certificates.ts';

export type Answer = (host: string, request: Request) => Promise<Response>;

export interface TlsProxy {
  /** The HTTP proxy to give to the Cloud SDK. */
  readonly port: number;
  readonly stop: () => void;
}

/**
 * A proxy on the loopback that answers for every host itself: what a client tunnels to `host:443`
 * arrives at `answer` in the clear. The certificate's names must cover the hosts.
 */
export function startTlsProxy(certificate: Certificate, answer: Answer): Promise<TlsProxy> {
  const https = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 60,
    tls: {
      cert: readFileSync(certificate.certificate, 'utf8'),
      key: readFileSync(certificate.key, 'utf8'),
    },
    fetch: (request) => answer(request.headers.get('host')?.replace(/:443$/, '') ?? '', request),
  });
  const proxy = createServer((client) => tunnel(client, https.port ?? 0));
  return new Promise((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      const address = proxy.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const stop = () => {
        proxy.close();
        https.stop(true);
      };
      resolve({ port, stop });
    });
  });
}

/** Reads the CONNECT request, then passes bytes to and fro. */
function tunnel(client: Socket, port: number): void {
  client.on('error', () => client.destroy());
  let head = '';
  const read = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    client.off('data', read);
    const server = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    server.on('error', () => client.destroy());
    client.on('close', () => server.destroy());
  };
  client.on('data', read);
}
