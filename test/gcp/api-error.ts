import type { Service } from './types.ts';

/**
 * The HTTP status of a reason (documentation: "Error messages" of BigQuery; "HTTP status and error
 * codes for JSON" of Cloud Storage).
 */
const STATUS_OF_REASON: Readonly<Record<string, number>> = {
  accessDenied: 403,
  authError: 401,
  backendError: 503,
  badRequest: 400,
  billingNotEnabled: 403,
  conditionNotMet: 412,
  duplicate: 409,
  forbidden: 403,
  internalError: 500,
  invalid: 400,
  invalidQuery: 400,
  jobBackendError: 400,
  jobInternalError: 400,
  jobRateLimitExceeded: 400,
  notFound: 404,
  notImplemented: 501,
  quotaExceeded: 403,
  rateLimitExceeded: 403,
  required: 401,
  resourceInUse: 400,
  resourcesExceeded: 400,
  responseTooLarge: 403,
  stopped: 200,
  tableUnavailable: 400,
  timeout: 400,
};

/** The canonical code beside an HTTP status (google.rpc.Code). */
const CANONICAL_CODES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  412: 'FAILED_PRECONDITION',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
};

/** What a job carries as `errorResult` and in `errors` (discovery document, `ErrorProto`). */
export interface ErrorProto {
  readonly reason: string;
  readonly location?: string;
  readonly message: string;
}

/** An answer of one of Google's services that is an error. */
export class ApiError extends Error {
  readonly reason: string;
  readonly status: number;
  readonly location: string | undefined;

  constructor(
    reason: string,
    message: string,
    options: { status?: number; location?: string } = {},
  ) {
    super(message);
    this.reason = reason;
    this.status = options.status ?? STATUS_OF_REASON[reason] ?? 400;
    this.location = options.location;
  }

  proto(): ErrorProto {
    const location = this.location === undefined ? {} : { location: this.location };
    return { reason: this.reason, ...location, message: this.message };
  }
}

/** The error for a status that a test asks for without a reason. */
export function errorOfStatus(status: number, reason?: string, message?: string): ApiError {
  const found = Object.entries(STATUS_OF_REASON).find(([, code]) => code === status)?.[0];
  const name =
    reason ??
    (status === 429
      ? 'rateLimitExceeded'
      : status === 500
        ? 'internalError'
        : (found ?? 'backendError'));
  return new ApiError(name, message ?? `A test asked for ${status} ${name}.`, { status });
}

/** The body of an error: both services' shape, BigQuery's with the canonical code (recorded). */
export function errorBody(error: ApiError, service: Service): unknown {
  const place =
    error.location === undefined
      ? {}
      : {
          location: error.location,
          locationType: error.location === 'Authorization' ? 'header' : 'parameter',
        };
  const code = error.status;
  const { message, reason } = error;
  const shape = { code, message, errors: [{ message, domain: 'global', reason, ...place }] };
  if (service === 'storage') return { error: shape };
  return { error: { ...shape, status: CANONICAL_CODES[code] ?? 'UNKNOWN' } };
}
