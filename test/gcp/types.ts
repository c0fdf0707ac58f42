/** The words of the stand-in: what tests hand to it and read from it. */

/** A column in BigQuery's REST form (discovery document bigquery v2, `TableFieldSchema`). */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly mode?: 'NULLABLE' | 'REQUIRED' | 'REPEATED';
  readonly fields?: readonly Field[];
  readonly description?: string;
  readonly maxLength?: string;
  readonly precision?: string;
  readonly scale?: string;
  readonly timestampPrecision?: string;
  readonly roundingMode?: string;
  readonly collation?: string;
  readonly defaultValueExpression?: string;
  readonly rangeElementType?: { readonly type: string };
  readonly policyTags?: { readonly names: readonly string[] };
}

/** Of a snapshot or a clone: the table that it was taken of. */
interface CopyOrigin {
  readonly baseTableReference: {
    readonly projectId: string;
    readonly datasetId: string;
    readonly tableId: string;
  };
}

/** The rest of a `Table` resource; whatever is given is answered by `tables.get` as it is. */
export interface TableOptions {
  readonly project?: string;
  readonly type?: 'TABLE' | 'VIEW' | 'MATERIALIZED_VIEW' | 'EXTERNAL' | 'SNAPSHOT';
  readonly description?: string;
  readonly timePartitioning?: {
    readonly type: 'DAY' | 'HOUR' | 'MONTH' | 'YEAR';
    readonly field?: string;
    readonly expirationMs?: string;
    readonly requirePartitionFilter?: boolean;
  };
  readonly rangePartitioning?: { readonly field: string; readonly range: unknown };
  readonly requirePartitionFilter?: boolean;
  readonly clustering?: { readonly fields: readonly string[] };
  readonly tableConstraints?: { readonly primaryKey: { readonly columns: readonly string[] } };
  readonly streamingBuffer?: { readonly estimatedRows: string };
  readonly externalDataConfiguration?: {
    readonly sourceFormat: string;
    readonly sourceUris: readonly string[];
    readonly hivePartitioningOptions?: {
      readonly mode: string;
      readonly fields: readonly string[];
      readonly requirePartitionFilter?: boolean;
    };
  };
  readonly snapshotDefinition?: CopyOrigin & { readonly snapshotTime: string };
  readonly cloneDefinition?: CopyOrigin & { readonly cloneTime: string };
  /** The query of a view or a materialized view, in BigQuery's dialect. */
  readonly query?: string;
  /** What is kept from the account; INSERT, UPDATE and DELETE meet the table as it is. */
  readonly hidden?: {
    /** The filter of the row access policies that the account is under, in DuckDB's SQL. */
    readonly rows?: string;
    /** What masked columns show instead, in DuckDB's SQL. */
    readonly values?: Readonly<Record<string, string>>;
  };
}

export type Service = 'bigquery' | 'storage' | 'metadata';

/** One request as it arrived, in the order of arrival. */
export interface RecordedRequest {
  readonly service: Service;
  readonly method: string;
  /** The path and query string as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body; absent where there was none. */
  readonly body?: unknown;
  /** The status answered; 0 where the connection was dropped, undefined while it is under way. */
  status?: number;
}

/** What one row is to the caller of `sql` and `duckdb`: DuckDB's own JS values by column. */
export type Row = Readonly<Record<string, unknown>>;

export interface StoredObject {
  readonly name: string;
  readonly size: number;
  readonly generation: string;
}

export interface JobSummary {
  readonly id: string;
  readonly project: string;
  readonly location: string;
  /** Such as `SELECT` or `EXPORT_DATA`. */
  readonly kind: string;
  readonly state: 'RUNNING' | 'DONE';
  readonly query: string;
  readonly bytesBilled: number;
  /** `reason` of the error result; absent where the job succeeded or runs. */
  readonly error?: string;
}

/** Which requests a fault meets. Everything that is left out matches. */
export interface FaultTarget {
  readonly service?: Service;
  readonly method?: string;
  /** Tested against the path with its query string, as it was sent. */
  readonly path?: RegExp;
  /** Tested against the body's text. */
  readonly body?: RegExp;
  /** The first match that fails, 1 being the next one (the default). */
  readonly nth?: number;
  /** How many matches fail from there on (default 1; Infinity for all). */
  readonly times?: number;
}

export type Fault = FaultTarget &
  (
    | {
        /** Answers in the service's own error shape, and does nothing. */
        readonly kind: 'error';
        readonly status: number;
        readonly reason?: string;
        readonly message?: string;
        readonly headers?: Readonly<Record<string, string>>;
      }
    /** Drops the connection before anything was done. */
    | { readonly kind: 'drop' }
    /** Does what was asked, then drops the connection: the lost answer. */
    | { readonly kind: 'drop-answer' }
    /** Sends so many bytes of the body, then drops the connection. */
    | { readonly kind: 'cut'; readonly afterBytes: number }
    /** Sends so many bytes of the body, then nothing more; the connection stays open. */
    | { readonly kind: 'stall'; readonly afterBytes: number }
    /** Waits before it answers. */
    | { readonly kind: 'delay'; readonly ms: number }
    /** Answers when this is done. */
    | { readonly kind: 'pause'; readonly meanwhile: () => Promise<unknown> }
    /** Flips one bit of the byte at this place of the body; the checksum header stays right. */
    | { readonly kind: 'flip'; readonly atByte: number }
    /** The job that this request starts ends with this error result, once it has run. */
    | { readonly kind: 'job-error'; readonly reason: string; readonly message?: string }
  );

export interface Settings {
  /** Objects that an export is cut into (fewer where there are fewer rows; at least one). */
  exportShards: number;
  /** Uncompressed bytes of an Avro block. */
  exportBlockBytes: number;
  /** Seconds that a job is RUNNING. */
  jobSeconds: number;
  /** The longest that the answer to a poll is held back, whatever more is asked for. */
  longestPollMs: number;
  /** Where a job says how many rows it exported. `rowCount` is alpha (discovery document). */
  exportStatistics: 'rowCount' | 'queryPlan' | 'none';
  /** Objects a page of a listing, whatever more is asked for. */
  pageSize: number;
}
