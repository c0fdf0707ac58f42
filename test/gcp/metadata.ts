import { ACCOUNT } from './access.ts';
import type { Backend } from './backend.ts';
import type { ApiRequest, ApiResponse } from './http.ts';

/** Every answer has it, and the clients believe no other (documentation: "About VM metadata"). */
const FLAVOR = { 'metadata-flavor': 'Google' };

/** Seconds for which access tokens are valid, as the answer says. */
const TOKEN_SECONDS = 3599;

/** Answers as the metadata server of a VM (documentation: "Predefined metadata keys"). */
export function answerMetadata({ project, access }: Backend, request: ApiRequest): ApiResponse {
  const key = request.parts.join('/');
  if (key !== '' && request.headers['metadata-flavor'] !== 'Google') {
    return text('Missing Metadata-Flavor:Google header.', 403);
  }
  switch (key) {
    case '':
      return text('computeMetadata/\n');
    case 'instance':
      return text('service-accounts/\n');
    case 'project/project-id':
      return text(project);
    case 'universe/universe-domain':
      return text('googleapis.com');
    case 'instance/service-accounts/default/email':
      return text(ACCOUNT);
    case 'instance/service-accounts/default/token': {
      const token = { access_token: access.issueToken(), expires_in: TOKEN_SECONDS };
      return { status: 200, headers: FLAVOR, body: { ...token, token_type: 'Bearer' } };
    }
    default:
      return text('Not Found', 404);
  }
}

function text(body: string, status = 200): ApiResponse {
  const headers = { ...FLAVOR, 'content-type': 'application/text' };
  return { status, headers, body: Buffer.from(body) };
}
