import { ACCOUNT, type Access } from './access.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import type { Settings } from './types.ts';

/** Every answer has it, and the clients believe no other (documentation: "About VM metadata"). */
const FLAVOR = { 'metadata-flavor': 'Google' };

/** Makes the metadata server of a VM (documentation: "Predefined metadata keys"). */
export function createMetadata(project: string, access: Access, settings: Settings) {
  const texts: Readonly<Record<string, string>> = {
    '': 'computeMetadata/\n',
    instance: 'service-accounts/\n',
    'project/project-id': project,
    'project/numeric-project-id': '123456789012',
    'instance/service-accounts': 'default/\n',
    'instance/service-accounts/default/email': ACCOUNT,
    'instance/service-accounts/default/scopes': 'https://www.googleapis.com/auth/cloud-platform\n',
    'instance/zone': 'projects/123456789012/zones/us-central1-a',
    'universe/universe-domain': 'googleapis.com',
  };
  return (request: ApiRequest): ApiResponse => {
    const key = request.parts.join('/');
    if (key !== '' && request.headers['metadata-flavor'] !== 'Google') {
      return {
        status: 403,
        headers: FLAVOR,
        body: Buffer.from('Missing Metadata-Flavor:Google header.'),
      };
    }
    if (key === 'instance/service-accounts/default/token') {
      const token = access.issueToken();
      const body = { access_token: token, expires_in: settings.tokenSeconds, token_type: 'Bearer' };
      return { status: 200, headers: FLAVOR, body };
    }
    if (
      key === 'instance/service-accounts/default' ||
      (key === 'instance/service-accounts' && request.url.searchParams.has('recursive'))
    ) {
      const account = {
        aliases: ['default'],
        email: ACCOUNT,
        scopes: [texts['instance/service-accounts/default/scopes']?.trim()],
      };
      return {
        status: 200,
        headers: FLAVOR,
        body: key.endsWith('default') ? account : { default: account },
      };
    }
    const text = texts[key];
    if (text === undefined) return { status: 404, headers: FLAVOR, body: Buffer.from('Not Found') };
    return {
      status: 200,
      headers: { ...FLAVOR, 'content-type': 'application/text' },
      body: Buffer.from(text),
    };
  };
}
