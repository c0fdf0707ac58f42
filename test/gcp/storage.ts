import { ACCOUNT, type Access } from './access.ts';
import { ApiError } from './api-error.ts';
import type { Backend } from './backend.ts';
import type { Bucket, StoredBytes } from './buckets.ts';
import { callOf } from './discovery.ts';
import { type ApiRequest, type ApiResponse, ok } from './http.ts';
import { bucketResource, download, listObjects, objectResource } from './object-resource.ts';

/** Answers Cloud Storage's JSON API (discovery document storage v1), as far as the program uses it. */
export function answerStorage(backend: Backend, request: ApiRequest): ApiResponse {
  const { access, buckets, settings } = backend;
  // Where an emulator is named, the client sends no token (`useAuthWithCustomEndpoint`).
  access.authenticate(request, true);
  const { method, place } = callOf(request);
  const [bucketName = '', name = ''] = place;
  const bucket = buckets.get(bucketName);
  if (bucket === undefined) throw new ApiError('notFound', 'The specified bucket does not exist.');
  switch (method) {
    case 'storage.buckets.testIamPermissions':
      return ok(grantedPermissions(request, access));
    case 'storage.buckets.get':
      need(access, method, 'bucket');
      return ok(bucketResource(bucketName, bucket));
    case 'storage.objects.list':
      need(access, method, 'bucket');
      return ok(listObjects(request, bucketName, bucket, settings.pageSize));
    case 'storage.objects.delete':
      objectAt(request, bucketName, bucket, name);
      need(access, method, 'object');
      bucket.objects.delete(name);
      return { status: 204 };
    default: {
      const object = objectAt(request, bucketName, bucket, name);
      need(access, method, 'object');
      const media = request.url.searchParams.get('alt') === 'media';
      return media ? download(request, object) : ok(objectResource(bucketName, name, object));
    }
  }
}

/** A permission such as "storage.objects.get", which is also the method's name; worded as IAM does. */
function need(access: Access, permission: string, resource: string): void {
  access.require(
    permission,
    `${ACCOUNT} does not have ${permission} access to the Google Cloud Storage ${resource}. ` +
      `Permission '${permission}' denied on resource (or it may not exist).`,
    'forbidden',
  );
}

function grantedPermissions(request: ApiRequest, access: Access): unknown {
  const asked = request.url.searchParams.getAll('permissions');
  const permissions = asked.filter((permission) => !access.denied.has(permission));
  return { kind: 'storage#testIamPermissionsResponse', permissions };
}

/** 404 for another generation (documentation: "Request preconditions"). */
function objectAt(
  request: ApiRequest,
  bucketName: string,
  bucket: Bucket,
  name: string,
): StoredBytes {
  const object = bucket.objects.get(name);
  const generation = request.url.searchParams.get('generation');
  if (object !== undefined && (generation ?? object.generation) === object.generation)
    return object;
  const version = object === undefined ? '' : `#${generation}`;
  throw new ApiError('notFound', `No such object: ${bucketName}/${name}${version}`);
}
