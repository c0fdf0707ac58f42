import type { DuckDBConnection } from '@duckdb/node-api';
import { ApiError } from './api-error.ts';
import { AvroFile } from './avro-file.ts';
import { avroSchema } from './avro-schema.ts';
import { columnWriter } from './avro-writer.ts';
import type { Backend } from './backend.ts';
import { ByteSink } from './byte-sink.ts';
import type { ExportStatement } from './export-statement.ts';
import { asQueryError, describe, type ResultSchema } from './query.ts';
import type { Statement } from './table.ts';
import type { Settings } from './types.ts';

/** A finished export that nobody sees before `publish`. */
export interface Export {
  readonly fileCount: number;
  readonly rowCount: number;
  readonly bytes: number;
  publish(): void;
}

/**
 * Runs the query of EXPORT DATA and encodes its rows. Rows are dealt out to the shards in turn, so
 * that few rows make several shards too; without rows there is one object without blocks.
 */
export async function exportData(
  backend: Backend,
  statement: Statement,
  target: ExportStatement,
): Promise<Export> {
  checkDestination(backend, target);
  const { settings } = backend;
  const files = await backend.warehouse.read(statement.sources, async (connection) => {
    const schema = await describe(connection, statement);
    const names = schema.fields.map((field) => field.name);
    const avro = avroSchema(names, schema.types);
    const shards = Array.from({ length: Math.max(1, settings.exportShards) }, () => ({
      file: new AvroFile(avro),
      sink: new ByteSink(),
      pending: 0,
    }));
    await writeRows(connection, statement, schema, shards, settings);
    return shards.map((shard) => shard.file);
  });
  const written = files.filter((file, at) => at === 0 || file.rows > 0);
  const contents = written.map((file) => file.finish());
  return {
    fileCount: contents.length,
    rowCount: written.reduce((sum, file) => sum + file.rows, 0),
    bytes: contents.reduce((sum, content) => sum + content.length, 0),
    publish: () => {
      contents.forEach((content, at) => {
        const name = target.pattern.replace('*', String(at).padStart(12, '0'));
        backend.buckets.write(target.bucket, name, content);
      });
    },
  };
}

interface Shard {
  readonly file: AvroFile;
  readonly sink: ByteSink;
  pending: number;
}

async function writeRows(
  connection: DuckDBConnection,
  statement: Statement,
  schema: ResultSchema,
  shards: readonly Shard[],
  settings: Settings,
): Promise<void> {
  let next = 0;
  try {
    const result = await connection.stream(statement.sql);
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; ) {
      const writers = schema.types.map((type, column) => {
        const vector = (chunk as NonNullable<typeof chunk>).getColumnVector(column);
        return columnWriter(schema.fields[column]?.name ?? '', type, vector);
      });
      const rows = chunk.rowCount;
      for (let row = 0; row < rows; row += 1) {
        const shard = shards[next] as Shard;
        next = next + 1 === shards.length ? 0 : next + 1;
        for (const write of writers) write(shard.sink, row);
        shard.pending += 1;
        if (shard.sink.length >= settings.exportBlockBytes) endBlock(shard);
      }
      chunk = await result.fetchChunk();
    }
  } catch (error) {
    throw asQueryError(error);
  }
  for (const shard of shards) endBlock(shard);
}

function endBlock(shard: Shard): void {
  if (shard.pending > 0) shard.file.addBlock(shard.pending, shard.sink.take());
  shard.pending = 0;
}

/**
 * Refuses a bucket that is missing, not ours or not empty; it may be anywhere (release notes, 14 May
 * 2025). The documentation says that these are errors ("EXPORT DATA", `overwrite`), not how they are
 * worded: do not match the messages.
 */
function checkDestination(backend: Backend, target: ExportStatement): void {
  const bucket = backend.buckets.get(target.bucket);
  if (bucket === undefined) {
    throw new ApiError('notFound', `Not found: Bucket ${target.bucket}`);
  }
  const permission = 'storage.objects.create';
  backend.access.require(
    permission,
    `Access Denied: BigQuery BigQuery: Permission '${permission}' denied on resource (or it may not exist).`,
  );
  const [head = '', tail = ''] = target.pattern.split('*');
  const taken = [...bucket.objects.keys()].find(
    (name) => name.startsWith(head) && name.endsWith(tail),
  );
  if (taken !== undefined) {
    throw new ApiError(
      'invalid',
      `Invalid value: Destination URI gs://${target.bucket}/${target.pattern} is not empty: ` +
        `gs://${target.bucket}/${taken} already exists and the overwrite option is false.`,
    );
  }
}
