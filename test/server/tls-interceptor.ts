import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';

/** Somebody between a client and its server, who reads all that they say. */
export interface Interceptor extends AsyncDisposable {
  readonly port: number;
}

const ALPNProtocols = ['postgresql'];

/** Answers sslnegotiation=direct with a certificate of its own, and passes all on to `port`. */
export async function interceptTls(
  port: number,
  { cert, key }: { readonly cert: string; readonly key: string },
): Promise<Interceptor> {
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert, key, ALPNProtocols }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', ALPNProtocols, rejectUnauthorized: false });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
