import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What happens at bytes of the client that match `when`, once. */
export interface Trap {
  /** Tested against each chunk that the client sends, as latin1. */
  readonly when: RegExp;
  /** The first match that snaps, 1 being the next one (the default). */
  readonly nth?: number;
  /**
   * hold: the chunk and all that follows stays here; mute: it is sent, the answers stay here; cut:
   * it is sent, and the connection is cut when the answer is there: done, and nobody was told; pause:
   * it is sent when `meanwhile` is done.
   */
  readonly what: 'hold' | 'mute' | 'cut' | 'pause';
  readonly meanwhile?: () => Promise<unknown>;
}

/** Stands between the program and PostgreSQL, and does to connections what networks do. */
export interface TcpProxy extends AsyncDisposable {
  /** `uri` with the proxy in the place of the server. */
  through(uri: string): string;
  /** Connections that are open now, and those ever opened. */
  readonly open: number;
  readonly opened: number;
  /** What clients sent as simple queries, in this order. */
  readonly statements: readonly string[];
  /** Cuts every connection, or only the latest. */
  cut(which?: 'all' | 'latest'): void;
  /** Cuts each connection once so many bytes went to the server by it, so many times in all. */
  cutAfter(bytes: number, times: number): void;
  /** Sets a trap; resolves when it has snapped. */
  trap(trap: Trap): Promise<void>;
  /** Neither takes nor gives a byte, while true. */
  stall(stalled: boolean): void;
  /** Lets each connection send so many bytes a second. */
  pace(bytesPerSecond: number): void;
  /** Connects to another port from now on. */
  redirect(port: number): void;
  /** Turns new connections down, while true. */
  refuse(refusing: boolean): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  sent: number;
  /** When the line will have carried what was sent. */
  freeAt: number;
  trapped: Trap['what'] | undefined;
}

/** Listens on a free port of 127.0.0.1, and connects to `firstPort` there. */
export async function startProxy(firstPort: number): Promise<TcpProxy> {
  let port = firstPort;
  const pairs = new Set<Pair>();
  const statements: string[] = [];
  const traps: { readonly trap: Trap; readonly snap: () => void; passes: number }[] = [];
  let [refusing, opened, stalled] = [false, 0, false];
  let limit = { bytes: Infinity, times: 0 };
  let bytesPerSecond = Infinity;

  function destroy(pair: Pair): void {
    pair.client.destroy();
    pair.server.destroy();
    pairs.delete(pair);
  }

  function fromClient(pair: Pair, chunk: Buffer): void {
    if (pair.trapped === 'hold') return;
    statements.push(...simpleQueries(chunk));
    const met = meet(chunk.toString('latin1'));
    if (met?.trap.what === 'pause') void pause(pair, chunk, met.trap);
    else {
      pair.trapped = met?.trap.what ?? pair.trapped;
      if (pair.trapped !== 'hold') pair.server.write(chunk);
    }
    pair.sent += chunk.length;
    met?.snap();
    if (pair.sent > limit.bytes && limit.times > 0) {
      limit.times -= 1;
      destroy(pair);
    }
  }

  /** The trap that snaps at this chunk. */
  function meet(text: string) {
    const matching = traps.filter(({ trap }) => trap.when.test(text));
    const met = matching.find(({ passes }) => passes === 0);
    for (const each of matching) each.passes = Math.max(0, each.passes - 1);
    if (met !== undefined) traps.splice(traps.indexOf(met), 1);
    return met;
  }

  async function pause(pair: Pair, chunk: Buffer, { meanwhile }: Trap): Promise<void> {
    pair.client.pause();
    await meanwhile?.();
    pair.server.write(chunk);
    pair.client.resume();
  }

  /** Takes nothing more from the client until the line has had the time for the chunk. */
  function wait(pair: Pair, chunk: Buffer): void {
    if (bytesPerSecond === Infinity) return;
    const now = performance.now();
    pair.freeAt = Math.max(now, pair.freeAt) + (chunk.length / bytesPerSecond) * 1000;
    pair.client.pause();
    setTimeout(() => pair.client.resume(), pair.freeAt - now);
  }

  function fromServer(pair: Pair, chunk: Buffer): void {
    if (pair.trapped === 'cut') destroy(pair);
    else if (pair.trapped === undefined) pair.client.write(chunk);
  }

  const listener = createServer((client) => {
    client.on('error', () => undefined);
    if (refusing) return void client.destroy();
    opened += 1;
    const server = connect(port, '127.0.0.1');
    const pair: Pair = { client, server, sent: 0, freeAt: 0, trapped: undefined };
    pairs.add(pair);
    if (stalled) for (const socket of [client, server]) socket.pause();
    server.on('error', () => undefined);
    client.on('data', (chunk: Buffer) => {
      fromClient(pair, chunk);
      wait(pair, chunk);
    });
    server.on('data', (chunk: Buffer) => fromServer(pair, chunk));
    for (const socket of [client, server]) socket.on('close', () => destroy(pair));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const own = (listener.address() as AddressInfo).port;

  return {
    statements,
    through: (uri) => uri.replace(`:${port}/`, `:${own}/`),
    get open() {
      return pairs.size;
    },
    get opened() {
      return opened;
    },
    cut(which = 'all') {
      for (const pair of which === 'all' ? [...pairs] : [...pairs].slice(-1)) destroy(pair);
    },
    cutAfter(bytes, times) {
      limit = { bytes, times };
    },
    trap: (trap) => new Promise((snap) => traps.push({ trap, snap, passes: (trap.nth ?? 1) - 1 })),
    stall(on) {
      stalled = on;
      for (const { client, server } of pairs) {
        for (const socket of [client, server]) on ? socket.pause() : socket.resume();
      }
    },
    pace(rate) {
      bytesPerSecond = rate;
    },
    redirect(to) {
      port = to;
    },
    refuse(on) {
      refusing = on;
    },
    async [Symbol.asyncDispose]() {
      for (const pair of [...pairs]) destroy(pair);
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** "Message Formats" of the PostgreSQL manual: Q, a length that counts itself, the text, a zero. */
function simpleQueries(chunk: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; chunk[at] === 0x51 && at + 5 < chunk.length; ) {
    const end = at + 1 + chunk.readUInt32BE(at + 1);
    texts.push(chunk.toString('utf8', at + 5, end - 1));
    at = end;
  }
  return texts;
}
