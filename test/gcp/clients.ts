import { BigQuery } from '@google-cloud/bigquery';
import { Storage } from '@google-cloud/storage';
import { type Google, startGoogle } from './google.ts';

/** The stand-in with the two real clients, which found it by the environment as the binary does. */
export interface Clients extends AsyncDisposable {
  readonly google: Google;
  readonly bigquery: BigQuery;
  readonly storage: Storage;
}

/** Starts the stand-in and its clients; the environment of this process is as before afterwards. */
export async function startClients(): Promise<Clients> {
  const google = await startGoogle();
  const before = Object.keys(google.env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, google.env);
  const projectId = google.project;
  return {
    google,
    bigquery: new BigQuery({ projectId }),
    storage: new Storage({ projectId }),
    async [Symbol.asyncDispose]() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await google[Symbol.asyncDispose]();
    },
  };
}

/** Runs EXPORT DATA to gs://BUCKET/PREFIX/*.avro and waits for it; answers the job's metadata. */
export async function exportRows(
  bigquery: BigQuery,
  bucket: string,
  prefix: string,
  select: string,
): Promise<JobMetadata> {
  const uri = `gs://${bucket}/${prefix}/*.avro`;
  const query = `EXPORT DATA OPTIONS(uri='${uri}', format='AVRO', overwrite=false) AS ${select}`;
  const [job] = await bigquery.createQueryJob({ query });
  // Unlike job.promise(), which looks every half second, this waits on the server.
  await job.getQueryResults();
  const [metadata] = await job.getMetadata();
  return metadata;
}

export interface JobMetadata {
  readonly status: { readonly state: string; readonly errorResult?: { readonly reason: string } };
  readonly statistics: {
    readonly query: {
      readonly statementType: string;
      readonly exportDataStatistics: { readonly fileCount: string; readonly rowCount: string };
    };
  };
}

/** What a promise was refused with, as the clients' errors show it. */
export async function refusal(promise: Promise<unknown>): Promise<Refusal> {
  const error = (await promise.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  )) as Refusal & { errors?: readonly { readonly reason?: string }[] };
  const reason = error.errors?.[0]?.reason;
  return { code: error.code, reason, message: error.message };
}

interface Refusal {
  readonly code: number | string | undefined;
  readonly reason: string | undefined;
  readonly message: string;
}
