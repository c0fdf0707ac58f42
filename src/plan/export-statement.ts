import { quoteBigQueryPath, quoteBigQueryString } from '../google/bigquery-quoting.ts';
import { type Source, sourceFrom } from '../google/source.ts';
import type { Instant } from '../instant.ts';
import type { Column } from './export-column.ts';
import { leftOutName, type RowKey } from './row-key.ts';
import { rowFilter } from './watermark-window.ts';

/** One try of the export. */
export interface ExportJob {
  readonly jobId: string;
  readonly sql: string;
}

/** Jobs that are tried for one export, where BigQuery itself fails them. */
const MAX_JOBS = 4;

/** What an export reads, and where it goes. */
export interface ExportRequest {
  readonly source: Source;
  readonly columns: readonly Column[];
  readonly low: Instant | undefined;
  readonly key: RowKey | undefined;
  /** The id of the first job. */
  readonly jobId: string;
  readonly bucket: string;
  readonly objectPrefix: string;
}

/**
 * The export, and the further tries of it: each under another id, and to another place below the same
 * prefix, so that the clean-up finds the objects of all of them.
 */
export function exportJobs(request: ExportRequest): readonly ExportJob[] {
  const { jobId, bucket, objectPrefix } = request;
  const query = exportQuery(request);
  return Array.from({ length: MAX_JOBS }, (_, index) => {
    const place = index === 0 ? objectPrefix : `${objectPrefix}${index + 1}/`;
    const uri = quoteBigQueryString(`gs://${bucket}/${place}*.avro`);
    return {
      jobId: index === 0 ? jobId : `${jobId}_${index + 1}`,
      sql: `EXPORT DATA OPTIONS (uri=${uri}, format='AVRO', overwrite=false) AS\n${query}`,
    };
  });
}

/** Counts the rows that an export saw which began at `startTime`, in milliseconds since the epoch. */
export function snapshotCountQuery(
  request: Pick<ExportRequest, 'source' | 'low' | 'key'>,
  startTime: number,
): string {
  const from = `${sourceFrom(request.source)} FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(${startTime})`;
  return `SELECT COUNT(*) ${rowsOf(request, from)}`;
}

function exportQuery(request: ExportRequest): string {
  const { source, columns } = request;
  const list = columns.map(({ expression, alias }) => `${expression} AS ${alias}`).join(',\n  ');
  return `SELECT\n  ${list}\n${rowsOf(request, sourceFrom(source))}`;
}

function rowsOf(
  { source, low, key }: Pick<ExportRequest, 'source' | 'low' | 'key'>,
  from: string,
): string {
  const filter = rowFilter(source, low);
  if (key !== undefined) return `FROM (${newestOfEachKey(source, key, from, filter ?? 'TRUE')})`;
  return `FROM ${from}${filter === undefined ? '' : `\nWHERE ${filter}`}`;
}

/**
 * The rows of the source, of each key only the newest, with the number of those that it replaces. The
 * WHERE is there even if it says nothing: QUALIFY asks for one beside it.
 */
function newestOfEachKey(
  source: Source,
  { partitionBy }: RowKey,
  from: string,
  filter: string,
): string {
  const partition = `PARTITION BY ${partitionBy.join(', ')}`;
  const newest = quoteBigQueryPath(source.watermark.name);
  return `
  SELECT *, COUNT(*) OVER (${partition}) - 1 AS ${leftOutName(source)}
  FROM ${from}
  WHERE ${filter}
  QUALIFY ROW_NUMBER() OVER (${partition} ORDER BY ${newest} DESC NULLS LAST) = 1
`;
}
