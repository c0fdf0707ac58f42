import { ACCOUNT, type Access } from './access.ts';
import { ApiError } from './api-error.ts';
import { type Bucket, type Buckets, checksums, type StoredBytes } from './buckets.ts';
import { type ApiRequest, type ApiResponse, ok } from './http.ts';
import type { Settings } from './types.ts';

/** Makes Cloud Storage's JSON API (discovery document storage v1), as far as the clients use it. */
export function createStorage(buckets: Buckets, access: Access, settings: Settings) {
  /** "storage.objects.get" and its like, worded as IAM does. */
  const need = (permission: string, resource: string): void =>
    access.require(
      permission,
      `${ACCOUNT} does not have ${permission} access to the Google Cloud Storage ${resource}. ` +
        `Permission '${permission}' denied on resource (or it may not exist).`,
      'forbidden',
    );
  return (request: ApiRequest): ApiResponse => {
    // Where an emulator is named, the client sends no token (`useAuthWithCustomEndpoint`).
    access.authenticate(request, true);
    const [, bucketName = '', kind, ...rest] = request.parts;
    const bucket = buckets.get(bucketName);
    if (kind === 'iam') return ok(grantedPermissions(request, access));
    if (bucket === undefined)
      throw new ApiError('notFound', 'The specified bucket does not exist.');
    if (kind === undefined) {
      need('storage.buckets.get', 'bucket');
      return ok(bucketResource(bucketName, bucket));
    }
    const name = rest.join('/');
    if (name === '' && request.method === 'POST') {
      need('storage.objects.create', 'object');
      return ok(upload(request, buckets, bucketName, bucket));
    }
    if (name === '') {
      need('storage.objects.list', 'bucket');
      return ok(listObjects(request, bucketName, bucket, settings));
    }
    const object = bucket.objects.get(name);
    if (object === undefined) {
      throw new ApiError('notFound', `No such object: ${bucketName}/${name}`);
    }
    checkPreconditions(request, bucketName, name, object);
    if (request.method === 'DELETE') {
      need('storage.objects.delete', 'object');
      bucket.objects.delete(name);
      return { status: 204 };
    }
    need('storage.objects.get', 'object');
    const media = request.url.searchParams.get('alt') === 'media';
    return media ? download(request, object) : ok(objectResource(bucketName, name, object));
  };
}

function grantedPermissions(request: ApiRequest, access: Access): unknown {
  const asked = request.url.searchParams.getAll('permissions');
  const permissions = asked.filter((permission) => !access.denied.has(permission));
  return { kind: 'storage#testIamPermissionsResponse', permissions };
}

function bucketResource(name: string, bucket: Bucket): unknown {
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

function objectResource(bucketName: string, name: string, object: StoredBytes): unknown {
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
function listObjects(
  request: ApiRequest,
  bucketName: string,
  bucket: Bucket,
  settings: Settings,
): unknown {
  const query = request.url.searchParams;
  const prefix = query.get('prefix') ?? '';
  const after = Buffer.from(query.get('pageToken') ?? '', 'base64').toString('utf8');
  const asked = Number(query.get('maxResults') ?? 1000);
  const size = Math.max(1, Math.min(asked, settings.pageSize, 1000));
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

/** 404 for another generation, 412 for a precondition (documentation: "Request preconditions"). */
function checkPreconditions(
  request: ApiRequest,
  bucketName: string,
  name: string,
  object: StoredBytes,
): void {
  const query = request.url.searchParams;
  const generation = query.get('generation');
  if (generation !== null && generation !== object.generation) {
    throw new ApiError('notFound', `No such object: ${bucketName}/${name}#${generation}`);
  }
  const match = query.get('ifGenerationMatch');
  if (match !== null && match !== object.generation) {
    throw new ApiError(
      'conditionNotMet',
      'At least one of the pre-conditions you specified did not hold.',
      { location: 'If-Match' },
    );
  }
}

/** The bytes, or a range of them; the checksums are always those of the whole object. */
function download(request: ApiRequest, object: StoredBytes): ApiResponse {
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
  const { range: wanted = '' } = request.headers;
  const range = /^bytes=(\d*)-(\d*)$/.exec(wanted);
  if (range === null) return { status: 200, headers, body: object.bytes };
  const last = range[2] === '' ? size - 1 : Number(range[2]);
  const start = range[1] === '' ? Math.max(0, size - last) : Number(range[1]);
  const end = range[1] === '' ? size - 1 : Math.min(size - 1, last);
  if (start >= size || end < start) {
    throw new ApiError('requestedRangeNotSatisfiable', 'Request range not satisfiable', {
      status: 416,
      location: 'Range',
    });
  }
  const part = { ...headers, 'content-range': `bytes ${start}-${end}/${size}` };
  return { status: 206, headers: part, body: object.bytes.subarray(start, end + 1) };
}

/** A simple upload (`uploadType=media`), or one with its metadata before it (`multipart`). */
function upload(
  request: ApiRequest,
  buckets: Buckets,
  bucketName: string,
  bucket: Bucket,
): unknown {
  const query = request.url.searchParams;
  let name = query.get('name') ?? '';
  let content = request.body;
  if (query.get('uploadType') === 'multipart') {
    const boundary = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '')?.[1] ?? '';
    const text = request.body.toString('latin1');
    const [, head = '', body = ''] = text.split(`--${boundary}`);
    const metadata = JSON.parse(Buffer.from(afterHeaders(head), 'latin1').toString('utf8'));
    name = name || String(metadata.name);
    content = Buffer.from(afterHeaders(body), 'latin1');
  }
  if (query.get('ifGenerationMatch') === '0' && bucket.objects.has(name)) {
    throw new ApiError(
      'conditionNotMet',
      'At least one of the pre-conditions you specified did not hold.',
      { location: 'If-Match' },
    );
  }
  return objectResource(bucketName, name, buckets.write(bucketName, name, content));
}

function afterHeaders(part: string): string {
  return part.slice(part.indexOf('\r\n\r\n') + 4).replace(/\r\n$/, '');
}
