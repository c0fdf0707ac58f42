import type { GoogleAuth } from 'google-auth-library';
import { CredentialsError } from './credentials-error.ts';
import { credentialsFile, environmentOf } from './credentials-file.ts';
import { exemptMetadataServer } from './proxy.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const PROJECT_VARIABLES = ['GOOGLE_CLOUD_PROJECT', 'GCLOUD_PROJECT'];

/** Application Default Credentials. Rejects where the metadata server fails. */
export async function openCredentials(): Promise<GoogleAuth> {
  exemptMetadataServer(process.env);
  const { ApplicationCredentials } = await import('./application-credentials.ts');
  const projectId = await machineProject();
  return new ApplicationCredentials({
    scopes: SCOPE,
    ...(projectId !== undefined && { projectId }),
  });
}

/**
 * The project of the machine's service account, where it is the one to be used: the library would
 * ask `gcloud` first, which takes half a second of CPU and may be set to another project.
 */
async function machineProject(): Promise<string | undefined> {
  if (PROJECT_VARIABLES.some(environmentOf) || credentialsFile() !== undefined) return undefined;
  const { gcpMetadata } = await import('google-auth-library');
  if (!(await gcpMetadata.isAvailable())) return undefined;
  try {
    return await gcpMetadata.project<string>('project-id');
  } catch (error) {
    throw new CredentialsError(error, 'the metadata server does not name a project');
  }
}

/** Drops the cached access token; a refresh token stays, or there would be nothing to ask with. */
export async function forgetToken(auth: GoogleAuth): Promise<void> {
  const client = await auth.getClient();
  client.setCredentials({ ...client.credentials, access_token: null, expiry_date: 1 });
}
