import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GoogleAuth } from 'google-auth-library';

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
