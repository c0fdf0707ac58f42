import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, errorBody, errorOfStatus } from './api-error.ts';
import type { Faults } from './faults.ts';
import { type ApiRequest, type ApiResponse, routeOf } from './http.ts';
import { send } from './send.ts';
import { SqlSyntaxError } from './sql-lexer.ts';
import type { Fault, RecordedRequest } from './types.ts';

/** Answers a request; the fault is handed on, for those that concern a job. */
export type Handle = (request: ApiRequest, fault: Fault | undefined) => Promise<ApiResponse>;

export interface Server extends AsyncDisposable {
  readonly origin: string;
}

/** Serves on a free port of 127.0.0.1, writes down every request, and plays the faults. */
export async function startServer(
  handle: Handle,
  faults: Faults,
  requests: RecordedRequest[],
): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing, handle, faults, requests).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: Handle,
  faults: Faults,
  requests: RecordedRequest[],
): Promise<void> {
  const request = await readRequest(incoming);
  const record = recordOf(request);
  requests.push(record);
  const fault = faults.meet(request);
  if (fault?.kind === 'drop') {
    record.status = 0;
    incoming.socket.destroy();
    return;
  }
  if (fault?.kind === 'delay') await Bun.sleep(fault.ms);
  if (fault?.kind === 'pause') await fault.meanwhile();
  const response = await answer(request, fault, handle);
  if (fault?.kind === 'drop-answer') {
    record.status = 0;
    incoming.socket.destroy();
    return;
  }
  record.status = response.status;
  await send(outgoing, response, fault);
}

async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  return {
    ...routeOf(url.pathname),
    method: incoming.method ?? 'GET',
    url,
    headers,
    body,
    json: () => (body.length === 0 ? {} : JSON.parse(body.toString('utf8'))),
  };
}

function recordOf(request: ApiRequest): RecordedRequest {
  const { service, method, headers, body } = request;
  const record = { service, method, path: request.url.pathname + request.url.search, headers };
  if (body.length === 0 || !headers['content-type']?.includes('json')) return record;
  return { ...record, body: request.json() };
}

async function answer(
  request: ApiRequest,
  fault: Fault | undefined,
  handle: Handle,
): Promise<ApiResponse> {
  try {
    if (fault?.kind === 'error') throw errorOfStatus(fault.status, fault.reason, fault.message);
    return await handle(request, fault);
  } catch (error) {
    const known = asApiError(error);
    const headers = fault?.kind === 'error' ? (fault.headers ?? {}) : {};
    return { status: known.status, headers, body: errorBody(known, request.service) };
  }
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof SqlSyntaxError) {
    return new ApiError('invalidQuery', error.message, { location: 'query' });
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ApiError('notImplemented', `The stand-in failed: ${text}`);
}
