import { ApiError } from './api-error.ts';
import type { ApiRequest } from './http.ts';

/** Whose credentials the metadata server hands out. */
export const ACCOUNT = 'projector@test-project.iam.gserviceaccount.com';

/** Tokens and permissions of the one account. */
export interface Access {
  readonly denied: Set<string>;
  issueToken(): string;
  expireTokens(): void;
  /** 401 without a valid token; `optional` lets a request without any pass. */
  authenticate(request: ApiRequest, optional: boolean): void;
  /** 403 with the message where the permission is denied. */
  require(permission: string, message: string, reason?: 'accessDenied' | 'forbidden'): void;
}

export function createAccess(): Access {
  const denied = new Set<string>();
  const valid = new Set<string>();
  let issued = 0;
  return {
    denied,
    issueToken() {
      issued += 1;
      const token = `test-token-${issued}`;
      valid.add(token);
      return token;
    },
    expireTokens: () => valid.clear(),
    authenticate(request, optional) {
      const { authorization } = request.headers;
      if (authorization === undefined && optional) return;
      const token = authorization?.replace(/^Bearer /, '');
      if (token !== undefined && valid.has(token)) return;
      throw unauthenticated(token === undefined);
    },
    require(permission, message, reason = 'accessDenied') {
      if (denied.has(permission)) throw new ApiError(reason, message);
    },
  };
}

/** As Google's front end words it (documentation: "Authentication errors"). */
function unauthenticated(missing: boolean): ApiError {
  const expected =
    'Expected OAuth 2 access token, login cookie or other valid authentication credential. ' +
    'See https://developers.google.com/identity/sign-in/web/devconsole-project.';
  return missing
    ? new ApiError(
        'required',
        `Request is missing required authentication credential. ${expected}`,
        { location: 'Authorization' },
      )
    : new ApiError('authError', `Request had invalid authentication credentials. ${expected}`, {
        location: 'Authorization',
      });
}
