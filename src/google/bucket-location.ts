import { ProjectorError } from '../errors.ts';
import { type SourceName, sourceText } from './source-name.ts';

/**
 * Throws for a bucket in a place that EXPORT DATA does not write to from the source's ("Exporting table
 * data", location considerations). What is not certain by the names alone is left to BigQuery: dual
 * regions, and multi-regions that may hold the dataset's region. `location` is undefined where the
 * credentials may not see it.
 */
export function requireReachableBucket(
  source: SourceName,
  bucket: string,
  location: string | undefined,
): void {
  if (location === undefined) return;
  if (!isOutOfReach(source.location.toUpperCase(), location.toUpperCase())) return;
  throw bucketOutOfReach(source, `gs://${bucket} is in location ${location.toLowerCase()}`);
}

/** The error of a bucket in such a place; `reason` is what is known of it. */
export function bucketOutOfReach(
  source: SourceName,
  reason: string,
  cause?: unknown,
): ProjectorError {
  return new ProjectorError({
    code: 'BUCKET_LOCATION_MISMATCH',
    message: `BigQuery does not export ${sourceText(source)} from ${source.location} to that bucket: ${reason}`,
    hint: `Name another bucket by --gcs-bucket, or create one: gcloud storage buckets create gs://NAME --location=${source.location}`,
    cause,
  });
}

function isOutOfReach(dataset: string, bucket: string): boolean {
  if (isRegion(dataset)) return isRegion(bucket) && bucket !== dataset;
  if (dataset !== 'EU') return false; // US exports to anywhere
  return isRegion(bucket) ? !bucket.startsWith('EUROPE-') : ['US', 'ASIA'].includes(bucket);
}

/** `EUROPE-WEST1`; `EU` and `NAM4` are of more than one region. */
function isRegion(location: string): boolean {
  return /^[A-Z]+-[A-Z]+\d+$/.test(location);
}
