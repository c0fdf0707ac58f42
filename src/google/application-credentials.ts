import { GoogleAuth } from 'google-auth-library';
import { CredentialsError } from './credentials-error.ts';

const UNIVERSE = 'googleapis.com';

/** Google's library, with its failures marked: they are not those of the API that a request was meant for. */
export class ApplicationCredentials extends GoogleAuth {
  override async authorizeRequest(...[options]: Parameters<GoogleAuth['authorizeRequest']>) {
    return await marked(async () => {
      requireUniverse((await this.getClient()).universeDomain);
      return await super.authorizeRequest(options);
    });
  }

  override async getAccessToken(): Promise<string | null | undefined> {
    return await marked(() => super.getAccessToken());
  }
}

async function marked<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new CredentialsError(error);
  }
}

/** The clients ask the endpoints of googleapis.com, whatever universe the credentials are of. */
function requireUniverse(universe: string): void {
  if (universe === UNIVERSE) return;
  throw new Error(`they are of the universe ${universe}, not of ${UNIVERSE}`);
}
