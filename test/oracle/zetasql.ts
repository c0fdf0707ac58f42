import { join } from 'node:path';
import { WASI } from 'node:wasi';
import { wheelsFolder } from '../tools/wheels.ts';
import { decodeMessage, encodeMessage, type Message, unpack, type Wire } from './protobuf.ts';
import { type Fields, tableType } from './type-proto.ts';
import { readRows, type Value } from './value-proto.ts';

/** ZetaSQL, Google's own analyzer and reference evaluator of GoogleSQL, as WebAssembly (Apache-2.0). */
const ZETASQL =
  'zetasql==0.1.5 --hash=sha256:17fa5e5aa927fbb647c1812b08ee8ef8c5d36c8e2e83eaa4651d9bc4a8a462f8';

/** GoogleSQL as BigQuery has it: every feature, the types of Google's external product. */
export interface ZetaSql {
  /** Throws what is wrong with a statement that reads `tables`. */
  analyze(sql: string, tables?: Catalog): void;
  /** The rows that a query without tables answers. */
  query(sql: string): readonly (readonly Value[])[];
  /** Makes tables known, each by its path: `['project', 'dataset', 'table']`. */
  catalog(tables: readonly (readonly [path: readonly string[], fields: Fields])[]): Catalog;
}

/** The id of tables that the service knows. */
export type Catalog = bigint;

/** What of a session BigQuery lets a project decide, and TIMESTAMP(12). */
export interface SessionOptions {
  readonly timeZone?: string;
  readonly picoseconds?: boolean;
}

/** Opens a session; the service itself is loaded once a process (about 230 MB of memory). */
export async function openZetaSql(options: SessionOptions = {}): Promise<ZetaSql> {
  loaded ??= loadService();
  const call = await loaded;
  const language = languageOptions(call, options.picoseconds ?? false);
  const analyzer = { 1: language, 6: ONE_LINE_ERRORS, 7: options.timeZone ?? 'UTC' };
  const catalog: ZetaSql['catalog'] = (tables) => {
    const root = catalogProto('', tables);
    const request = { 1: { ...root, 5: { 1: language } } };
    return single(call('RegisterCatalog', request).get(1));
  };
  const empty = catalog([]);
  return {
    catalog,
    analyze: (sql, tables = empty) => {
      call('Analyze', { 1: analyzer, 4: tables, 5: sql });
    },
    query: (sql) => evaluate(call, { 1: sql, 2: analyzer, 5: empty }),
  };
}

type Call = (method: string, request: Message) => ReadonlyMap<number, readonly Wire[]>;

let loaded: Promise<Call> | undefined;

/** The exports of the module: a request goes in and an answer comes out as bytes of its memory. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  wasm_malloc(size: number): number;
  wasm_free(at: number): void;
  wasm_get_last_error(): number;
  wasm_get_last_error_size(): number;
  [method: `ZetaSqlLocalService_${string}`]: (at: number, size: number, answer: number) => number;
}

/** ZetaSQL reads the rules of time zones there, as C++ programs do. */
const ZONES = '/usr/share/zoneinfo';

async function loadService(): Promise<Call> {
  const path = join(wheelsFolder(ZETASQL), 'zetasql/wasi/zetasql.wasm');
  const module = await WebAssembly.compile(await Bun.file(path).arrayBuffer());
  const wasi = new WASI({ version: 'preview1', preopens: { [ZONES]: ZONES } });
  const imports = { wasi_snapshot_preview1: wasi.wasiImport as never };
  const exports = (await WebAssembly.instantiate(module, imports)).exports as unknown as Exports;
  // Bun's WASI has no initialize(), which would do these two.
  (wasi as unknown as { setMemory(memory: WebAssembly.Memory): void }).setMemory(exports.memory);
  exports._initialize();
  return (method, request) => decodeMessage(callService(exports, method, encodeMessage(request)));
}

function callService(exports: Exports, method: string, request: Uint8Array): Uint8Array {
  const at = exports.wasm_malloc(Math.max(1, request.length));
  const sizeAt = exports.wasm_malloc(4);
  new Uint8Array(exports.memory.buffer).set(request, at);
  const answer = exports[`ZetaSqlLocalService_${method}`]?.(at, request.length, sizeAt) ?? 0;
  const size = new DataView(exports.memory.buffer).getUint32(sizeAt, true);
  exports.wasm_free(at);
  exports.wasm_free(sizeAt);
  if (answer === 0) throw new Error(lastError(exports));
  const bytes = new Uint8Array(exports.memory.buffer, answer, size).slice();
  exports.wasm_free(answer);
  return bytes;
}

function lastError(exports: Exports): string {
  const [at, size] = [exports.wasm_get_last_error(), exports.wasm_get_last_error_size()];
  return Buffer.from(new Uint8Array(exports.memory.buffer, at, size).slice()).toString();
}

/** ErrorMessageMode: the place of an error in its one line. */
const ONE_LINE_ERRORS = 1;
/** ProductMode: INT64 and FLOAT64, and none of Google's inner types. */
const EXTERNAL = 1;
/** LanguageFeature TIMESTAMP_NANOS and TIMESTAMP_PICOS, which a TIMESTAMP of BigQuery has not. */
const FINER_THAN_MICROSECONDS = [5n, 123n];

/** All features, and all kinds of statements: those that are left out of the message. */
function languageOptions(call: Call, picoseconds: boolean): Message {
  const most = call('GetLanguageOptions', { 1: true });
  const features = (most.get(5) ?? []).flatMap((each) =>
    typeof each === 'bigint' ? [each] : unpack(each),
  );
  return {
    3: EXTERNAL,
    5: features.filter((each) => picoseconds || !FINER_THAN_MICROSECONDS.includes(each)),
    8: (most.get(8) ?? []) as readonly Uint8Array[],
  };
}

/** SimpleCatalogProto: projects and datasets are catalogs within catalogs. */
function catalogProto(name: string, tables: Parameters<ZetaSql['catalog']>[0]): Message {
  const own = tables.filter(([path]) => path.length === 1);
  const inner = Map.groupBy(
    tables.filter(([path]) => path.length > 1),
    ([[first = '']]) => first,
  );
  return {
    1: name,
    2: own.map(([[table = ''], fields]) => tableType(table, fields)),
    4: [...inner].map(([catalog, within]) =>
      catalogProto(
        catalog,
        within.map(([path, fields]) => [path.slice(1), fields]),
      ),
    ),
  };
}

function evaluate(call: Call, request: Message): readonly (readonly Value[])[] {
  const prepared = call('PrepareQuery', request).get(1)?.[0] as Uint8Array;
  const id = single(decodeMessage(prepared).get(1));
  try {
    return readRows(call('EvaluateQuery', { 6: id }).get(1)?.[0] as Uint8Array);
  } finally {
    call('UnprepareQuery', { 1: id });
  }
}

function single(values: readonly Wire[] | undefined): bigint {
  return (values?.[0] as bigint | undefined) ?? 0n;
}
