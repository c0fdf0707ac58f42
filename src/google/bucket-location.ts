import { ProjectorError } from '../errors.ts';
import { type SourceName, sourceText } from './source-name.ts';

/** The regions of a multi-region, by how their names begin. */
const MULTI_REGIONS: Readonly<Record<string, string>> = {
  US: 'US-',
  EU: 'EUROPE-',
  ASIA: 'ASIA-',
};

/**
 * Warns of a bucket in another place than the source. BigQuery exports to any location since 14 May
 * 2025 (release notes), and the transfer is billed. What is not certain by the names alone, such as
 * dual regions, is not warned of. `location` is undefined where the credentials may not see it.
 */
export function bucketWarnings(
  source: SourceName,
  bucket: string,
  location: string | undefined,
): readonly string[] {
  if (!isElsewhere(source.location.toUpperCase(), location?.toUpperCase() ?? '')) return [];
  return [
    `the bucket gs://${bucket} is in ${location?.toLowerCase()}, and table ${sourceText(source)} in ${source.location}: the transfer between the two is billed. A bucket in ${source.location} saves it: gcloud storage buckets create gs://NAME --location=${source.location}`,
  ];
}

/** The error where BigQuery itself refuses to export to the location of the bucket. */
export function bucketOutOfReach(source: SourceName, reason: string, cause: unknown) {
  return new ProjectorError({
    code: 'BUCKET_LOCATION_MISMATCH',
    message: `BigQuery does not export ${sourceText(source)} from ${source.location} to that bucket: ${reason}`,
    hint: `Name another bucket by --gcs-bucket, or create one: gcloud storage buckets create gs://NAME --location=${source.location}`,
    cause,
  });
}

function isElsewhere(dataset: string, bucket: string): boolean {
  if (dataset === bucket || !isKnown(dataset) || !isKnown(bucket)) return false;
  return !isWithin(dataset, bucket) && !isWithin(bucket, dataset);
}

function isWithin(region: string, multiRegion: string): boolean {
  const prefix = MULTI_REGIONS[multiRegion];
  return prefix !== undefined && region.startsWith(prefix);
}

/** A region such as `EUROPE-WEST1`, or a multi-region; `NAM4` is of two regions. */
function isKnown(location: string): boolean {
  return location in MULTI_REGIONS || /^[A-Z]+-[A-Z]+\d+$/.test(location);
}
