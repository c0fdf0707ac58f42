import type { TableName } from '../postgres/quoting.ts';

/** What a run leaves in the three services until it is cleaned up. */
export interface RunArtifacts {
  /** The export job; undefined where none was planned yet. */
  readonly jobId: string | undefined;
  /** The project that the job is billed to; undefined in rows of older versions: that of the credentials. */
  readonly project: string | undefined;
  readonly location: string;
  readonly bucket: string;
  /** `bq_to_postgres/RUN_ID/`: the name of every object that the export writes begins with it. */
  readonly objectPrefix: string;
  /** Full loads only. */
  readonly staging: TableName | undefined;
}
