import { ApiError } from './api-error.ts';
import { type Bucket, checksums, type StoredBytes } from './buckets.ts';
import type { ApiRequest, ApiResponse } from './http.ts';

export function bucketResource(name: string, bucket: Bucket): unknown {
  return {
    kind: 'storage#bucket',
    id: name,
    name,
    projectNumber: '123456789012',
    metageneration: '1',
    location: bucket.location.toUpperCase(),
    locationType: /^(us|eu|asia)$/i.test(bucket.location) ? 'multi-region' : 'region',
    storageClass: 'STANDARD',
    etag: 'CAE=',
    timeCreated: bucket.created,
    updated: bucket.created,
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
  };
}

export function objectResource(bucketName: string, name: string, object: StoredBytes): unknown {
  const { crc32c, md5 } = checksums(object);
  return {
    kind: 'storage#object',
    id: `${bucketName}/${name}/${object.generation}`,
    name,
    bucket: bucketName,
    generation: object.generation,
    metageneration: '1',
    contentType: object.contentType,
    storageClass: 'STANDARD',
    size: String(object.bytes.length),
    md5Hash: md5,
    crc32c,
    etag: etagOf(object),
    timeCreated: object.created,
    updated: object.created,
    timeStorageClassUpdated: object.created,
  };
}

function etagOf(object: StoredBytes): string {
  return Buffer.from(`${object.generation}/1`).toString('base64');
}

/** Objects in the order of their names, a page at a time (documentation: "Objects: list"). */
export function listObjects(
  request: ApiRequest,
  bucketName: string,
  bucket: Bucket,
  pageSize: number,
): unknown {
  const query = request.url.searchParams;
  const prefix = query.get('prefix') ?? '';
  const after = Buffer.from(query.get('pageToken') ?? '', 'base64').toString('utf8');
  const asked = Number(query.get('maxResults') ?? 1000);
  const size = Math.max(1, Math.min(asked, pageSize, 1000));
  const names = [...bucket.objects.keys()]
    .filter((name) => name.startsWith(prefix) && name > after)
    .sort();
  const page = names.slice(0, size);
  const items = page.map((name) =>
    objectResource(bucketName, name, bucket.objects.get(name) as StoredBytes),
  );
  const token = Buffer.from(page.at(-1) ?? '').toString('base64');
  return {
    kind: 'storage#objects',
    // An empty listing has no items at all.
    ...(items.length > 0 ? { items } : {}),
    ...(names.length > size ? { nextPageToken: token } : {}),
  };
}

/** The bytes, or a range of them; the checksums are always those of the whole object. */
export function download(request: ApiRequest, object: StoredBytes): ApiResponse {
  const { crc32c, md5 } = checksums(object);
  const size = object.bytes.length;
  const headers = {
    'content-type': object.contentType,
    'accept-ranges': 'bytes',
    etag: etagOf(object),
    'x-goog-generation': object.generation,
    'x-goog-metageneration': '1',
    'x-goog-hash': `crc32c=${crc32c},md5=${md5}`,
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(size),
    'x-goog-storage-class': 'STANDARD',
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers['range'] ?? '');
  if (range === null) return { status: 200, headers, body: object.bytes };
  const start = Number(range[1]);
  const end = Math.min(size - 1, range[2] === '' ? size - 1 : Number(range[2]));
  if (start >= size || end < start) {
    throw new ApiError('requestedRangeNotSatisfiable', 'Request range not satisfiable', {
      status: 416,
      location: 'Range',
    });
  }
  const part = { ...headers, 'content-range': `bytes ${start}-${end}/${size}` };
  return { status: 206, headers: part, body: object.bytes.subarray(start, end + 1) };
}
