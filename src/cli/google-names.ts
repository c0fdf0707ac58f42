import { usageError } from './usage-error.ts';

/** `--bq-dataset`, taken apart. */
export interface DatasetName {
  /** Undefined: the project of the credentials. */
  readonly project: string | undefined;
  readonly dataset: string;
}

/**
 * Reads `dataset` or `project.dataset`; a project may be of a domain: `example.com:project`.
 * Throws a usage error for anything else, with what to write.
 */
export function readDataset(text: string): DatasetName {
  const bare = withoutBackticks('bq-dataset', text);
  const colon = /^([^.]+|.+:[^.]+):([^.:]+)$/.exec(bare);
  if (colon !== null) {
    const hint = `Write --bq-dataset ${colon[1]}.${colon[2]}.`;
    throw usageError('--bq-dataset has a colon between project and dataset', hint);
  }
  const dot = bare.lastIndexOf('.');
  const project = dot < 0 ? undefined : bare.slice(0, dot);
  const dataset = bare.slice(dot + 1);
  refuseTableInDataset(project, dataset);
  if (project !== undefined) checkProject(project);
  if (/^\w{1,1024}$/.test(dataset)) return { project, dataset };
  throw usageError(
    `--bq-dataset ${shown(text)}: ${shown(dataset)} is not the name of a dataset`,
    "Write dataset or project.dataset; a dataset's name has letters, digits and underscores.",
  );
}

/** https://cloud.google.com/resource-manager/docs/creating-managing-projects, and project numbers. */
function checkProject(project: string): void {
  if (/^([a-z0-9.-]+\.[a-z0-9-]+:)?[a-z][a-z0-9-]*[a-z0-9]$/.test(project)) return;
  if (/^\d{1,19}$/.test(project)) return;
  throw usageError(
    `--bq-dataset: ${shown(project)} is not the id of a project`,
    'Write project.dataset; gcloud projects list shows the ids in the column PROJECT_ID.',
  );
}

function refuseTableInDataset(project: string | undefined, last: string): void {
  const [first, dataset] = /^([^.:]+|[^:]+:[^.]+)\.([^.:]+)$/.exec(project ?? '')?.slice(1) ?? [];
  if (first === undefined || dataset === undefined) return;
  const hint = `Write --bq-dataset ${first}.${dataset} --bq-table ${last}.`;
  throw usageError('--bq-dataset has three parts: the table has a flag of its own', hint);
}

/**
 * The name of a table as BigQuery allows it: letters, marks, numbers, connectors, dashes and
 * spaces of any script, up to 1024 bytes of UTF-8.
 * https://cloud.google.com/bigquery/docs/tables#table_naming
 */
export function readBigQueryTable(text: string): string {
  const table = withoutBackticks('bq-table', text);
  const dot = table.lastIndexOf('.');
  if (dot >= 0) {
    const hint = `Write --bq-dataset ${table.slice(0, dot)} --bq-table ${table.slice(dot + 1)}.`;
    throw usageError('--bq-table has a dot: the dataset has a flag of its own', hint);
  }
  if (/[$@*]/.test(table)) {
    const whole = /^([^*$@]+)[$@][^*]*$/.exec(table)?.[1] ?? 'TABLE';
    const hint = `Write --bq-table ${whole}, the name of one table.`;
    throw usageError('--bq-table takes one whole table: no partition, snapshot or wildcard', hint);
  }
  const allowed = /^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd}\p{Zs}]+$/u.test(table);
  if (allowed && Buffer.byteLength(table) <= 1024) return table;
  const hint = 'Write its name as the BigQuery console shows it; bq ls DATASET lists the tables.';
  throw usageError(`--bq-table ${shown(text)} is not a name that a BigQuery table can have`, hint);
}

/**
 * A location by its form: `US`, `EU`, `europe-west1`. Which ones exist is for BigQuery to say.
 * https://cloud.google.com/bigquery/docs/locations
 */
export function readLocation(text: string): string {
  const zone = /^([a-z]+(?:-[a-z]+)+\d+)-[a-z]$/i.exec(text);
  if (zone !== null) {
    throw usageError('--bq-location is a zone', `Write its region: --bq-location ${zone[1]}.`);
  }
  if (/^[a-z]+(-[a-z]+)*(-?\d+)?$/i.test(text)) return text;
  throw usageError(
    `--bq-location ${shown(text)} is not a location`,
    'Write US, EU or a region such as europe-west1; bq show DATASET tells which.',
  );
}

/**
 * The name of a bucket: 3 to 63 lower-case letters, digits, dashes, underscores, or parts of that
 * length between dots, up to 222. https://cloud.google.com/storage/docs/buckets#naming
 * "google" inside is let pass: Google's own services make such buckets, and they can be used.
 */
export function readBucket(text: string): string {
  const bare = text.replace(/^gs:\/\//, '').replace(/\/.*$/s, '');
  if (bare !== text) {
    const hint = isBucketName(bare) ? `Write --gcs-bucket ${bare}.` : 'Write the name of a bucket.';
    throw usageError('--gcs-bucket takes the name alone, without gs:// and folders', hint);
  }
  if (isBucketName(text)) return text;
  throw usageError(
    `--gcs-bucket ${shown(text)} is not a name that a bucket can have`,
    'Write its name as it is listed by: gcloud storage ls.',
  );
}

function isBucketName(name: string): boolean {
  const isAddress = /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
  const longest = name.includes('.') ? 222 : 63;
  return (
    !isAddress &&
    name.length >= 3 &&
    name.length <= longest &&
    /^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(name) &&
    name.split('.').every((part) => part.length >= 1 && part.length <= 63)
  );
}

function withoutBackticks(flag: string, text: string): string {
  if (!text.includes('`')) return text;
  const hint = `Write --${flag} ${text.replaceAll('`', '')}.`;
  throw usageError(`--${flag} needs no backticks`, hint);
}

/** A value for a message: in one line, and not endless. */
function shown(value: string): string {
  const line = JSON.stringify(value);
  return line.length > 80 ? `${line.slice(0, 76)}..."` : line;
}
