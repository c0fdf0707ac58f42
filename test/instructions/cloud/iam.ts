import {
  type Call,
  type Cloud,
  checkServiceAccounts,
  create,
  get,
  type Json,
  lastPart,
  list,
  Refusal,
  remove,
  text,
} from './cloud.ts';

/** Reads or writes the policy of any resource: its members by role, under `iam/RESOURCE`. */
export function policy(cloud: Cloud, call: Call, resource: string): Json {
  const name = `iam/${resource}`;
  if (call.method === 'GET' || call.path.endsWith(':getIamPolicy'))
    return cloud.resources.get(name) ?? { version: 1, etag: 'BwXhqDVeaDM=', bindings: [] };
  const written = (call.body['policy'] ?? call.body) as Json;
  checkServiceAccounts(cloud, written);
  cloud.resources.set(name, written);
  return written;
}

/** cloudresourcemanager: the project, and who may do what in it. */
export function project(cloud: Cloud, call: Call): Json {
  const { project } = cloud.settings;
  if (call.path.includes('IamPolicy')) return policy(cloud, call, 'project');
  return { projectId: project, projectNumber: '1234', lifecycleState: 'ACTIVE', name: project };
}

/** iam: service accounts. */
export function serviceAccounts(cloud: Cloud, call: Call): Json {
  const name = `accounts/${lastPart(call.path).split(':')[0]}`;
  if (call.path.includes('IamPolicy')) {
    get(cloud, name);
    return policy(cloud, call, name);
  }
  if (call.method === 'POST') {
    const email = `${text(call.body, 'accountId')}@${cloud.settings.project}.iam.gserviceaccount.com`;
    return create(cloud, `accounts/${email}`, {
      name: `projects/${cloud.settings.project}/serviceAccounts/${email}`,
      email,
    });
  }
  if (call.method === 'DELETE') {
    remove(cloud, name);
    cloud.resources.delete(`iam/${name}`);
    return {};
  }
  return get(cloud, name);
}

/** iamcredentials: a token for whoever may act as the service account. */
export function credentials(cloud: Cloud, call: Call): Json {
  const email = lastPart(call.path).split(':')[0];
  get(cloud, `accounts/${email}`);
  const allowed = JSON.stringify(cloud.resources.get(`iam/accounts/${email}`) ?? {});
  if (!allowed.includes('roles/iam.serviceAccountTokenCreator'))
    throw new Refusal(403, `no right to act as ${email}`);
  return { accessToken: cloud.settings.token, expireTime: '2099-01-01T00:00:00Z' };
}

/** secretmanager: secrets and their versions, with the bytes in base64. */
export function secrets(cloud: Cloud, call: Call): Json {
  const parts = call.path.split('/');
  const secret = (parts[5] ?? '').split(':')[0] ?? '';
  const name = `secrets/${secret}`;
  const full = `projects/1234/secrets/${secret}`;
  if (call.path.includes('IamPolicy')) {
    get(cloud, name);
    return policy(cloud, call, name);
  }
  if (call.path.endsWith(':addVersion')) {
    get(cloud, name);
    create(cloud, `${name}/payload`, call.body['payload'] as Json);
    return { name: `${full}/versions/1`, state: 'ENABLED' };
  }
  if (call.path.endsWith(':access'))
    return { name: `${full}/versions/1`, payload: get(cloud, `${name}/payload`) };
  if (call.method === 'POST')
    return create(cloud, `secrets/${call.query.get('secretId')}`, {
      ...call.body,
      name: `projects/1234/secrets/${call.query.get('secretId')}`,
    });
  if (call.method === 'DELETE') {
    remove(cloud, name);
    cloud.resources.delete(`${name}/payload`);
    cloud.resources.delete(`iam/${name}`);
    return {};
  }
  if (secret !== '') return get(cloud, name);
  return {
    secrets: list(cloud, 'secrets/')
      .filter(([n]) => !n.endsWith('/payload'))
      .map(([, s]) => s),
  };
}

/** oslogin: the key that a person's SSH uses. */
export function login(cloud: Cloud, call: Call): Json {
  const loginProfile = {
    name: cloud.settings.account,
    posixAccounts: [
      { primary: true, username: 'you_example_com', accountId: cloud.settings.project },
    ],
    sshPublicKeys: { a: { key: text(call.body, 'key'), fingerprint: 'a' } },
  };
  return call.method === 'POST' ? { loginProfile } : loginProfile;
}
