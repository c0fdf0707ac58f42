import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GoogleAuth } from 'google-auth-library';
import { messageOf } from '../errors.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/**
 * Application Default Credentials, in the order that Google documents: the file that
 * GOOGLE_APPLICATION_CREDENTIALS names, the one that `gcloud auth application-default login` wrote,
 * the machine's service account. Rejects where the metadata server fails.
 */
export async function openCredentials(): Promise<GoogleAuth> {
  const { GoogleAuth } = await import('google-auth-library');
  const projectId = await machineProject();
  return new GoogleAuth({ scopes: SCOPE, ...(projectId !== undefined && { projectId }) });
}

/**
 * The project of the machine's service account, where it is the one to be used: the library would
 * ask `gcloud` first, which takes half a second of CPU and may be set to another project.
 */
async function machineProject(): Promise<string | undefined> {
  if (PROJECT_VARIABLES.some(isSet) || isSet(CREDENTIALS_VARIABLE) || existsSync(userFile())) {
    return undefined;
  }
  const { gcpMetadata } = await import('google-auth-library');
  if (!(await gcpMetadata.isAvailable())) return undefined;
  return await gcpMetadata.project<string>('project-id');
}

const CREDENTIALS_VARIABLE = 'GOOGLE_APPLICATION_CREDENTIALS';
const PROJECT_VARIABLES = ['GOOGLE_CLOUD_PROJECT', 'GCLOUD_PROJECT'];

/** The library takes these names in small letters, too. */
function isSet(name: string): boolean {
  return Boolean(process.env[name] || process.env[name.toLowerCase()]);
}

/** Where gcloud keeps the user's Application Default Credentials. */
function userFile(): string {
  const { CLOUDSDK_CONFIG, HOME = '' } = process.env as Readonly<Record<string, string>>;
  const folder = CLOUDSDK_CONFIG || join(HOME, '.config', 'gcloud');
  return join(folder, 'application_default_credentials.json');
}

/** Drops the cached access token; a refresh token stays, or there would be nothing to ask with. */
export async function forgetToken(auth: GoogleAuth): Promise<void> {
  const client = await auth.getClient();
  client.setCredentials({ ...client.credentials, access_token: null, expiry_date: 1 });
}

/** What to do where there are no credentials, or none that are taken. */
export const CREDENTIALS_HINT =
  'Give the VM a service account with the cloud-platform scope, or elsewhere run: gcloud auth application-default login';

/** Whether `error` is of the credentials, by the words of google-auth-library, gcp-metadata and OAuth. */
export function isCredentialsFailure(error: unknown): boolean {
  return /default credentials|access token|metadata service|unable to detect a project|invalid_grant/i.test(
    messageOf(error),
  );
}
