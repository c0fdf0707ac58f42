import { readBlocks } from '../avro/blocks.ts';
import type { Split } from '../avro/splits.ts';
import { createEncoder } from '../copy/create-encoder.ts';
import type { Encoder } from '../copy/encoder.ts';
import { CHUNK_BYTES } from '../copy/pump.ts';
import type { ObjectStore } from '../google/storage.ts';
import type { Plan } from '../plan/plan.ts';
import { headersOf } from './headers.ts';
import { type ReadAhead, readAhead } from './read-ahead.ts';
import type { RowSource } from './row-source.ts';

/** An export that is being read: what each COPY of its splits works with. */
export interface OpenExport extends RowSource, Disposable {
  readonly ahead: ReadAhead;
  /** An encoder for one stream, by the schema that all objects have. */
  readonly encoder: () => Promise<Encoder>;
}

/** Starts reading the first of the splits at once. */
export function openExport(
  plan: Pick<Plan, 'format' | 'columns'>,
  store: ObjectStore,
  splits: readonly Split[],
  signal: AbortSignal,
): OpenExport {
  const headerOf = headersOf(store, signal);
  const ahead = readAhead((split) => readBlocks(store, headerOf, split, signal));
  ahead.open(splits);
  const [first] = splits;
  const header = first === undefined ? undefined : headerOf(first);
  header?.catch(() => undefined); // whoever asks for an encoder is told
  return {
    store,
    splits,
    signal,
    headerOf,
    ahead,
    async encoder() {
      const fields = (await header)?.fields ?? [];
      return createEncoder(plan.format, plan.columns, fields, CHUNK_BYTES);
    },
    [Symbol.dispose]: ahead.close,
  };
}
