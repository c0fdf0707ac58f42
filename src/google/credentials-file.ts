import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The file that Application Default Credentials come from, in the order that Google documents: what
 * GOOGLE_APPLICATION_CREDENTIALS names, or what `gcloud auth application-default login` wrote;
 * undefined where it is the machine's service account.
 */
export function credentialsFile(): string | undefined {
  const { CLOUDSDK_CONFIG, HOME = '' } = process.env as Readonly<Record<string, string>>;
  const named = environmentOf('GOOGLE_APPLICATION_CREDENTIALS');
  if (named !== undefined) return named;
  const folder = CLOUDSDK_CONFIG || join(HOME, '.config', 'gcloud');
  const ofUser = join(folder, 'application_default_credentials.json');
  return existsSync(ofUser) ? ofUser : undefined;
}

/** The library takes such names in small letters, too. */
export function environmentOf(name: string): string | undefined {
  return process.env[name] || process.env[name.toLowerCase()] || undefined;
}
