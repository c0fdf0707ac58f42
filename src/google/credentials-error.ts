import { ProjectorError } from '../errors.ts';
import { apiMessage } from './api-error.ts';
import { credentialsFile } from './credentials-file.ts';
import { isUntrusted, untrusted } from './unanswered.ts';

/** The credentials could not be read, or whoever hands out their tokens refused: not an answer of the API. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
  /** What was thrown; not the `cause`, as its message is the whole answer in JSON. */
  readonly origin: unknown;

  constructor(origin: unknown, what?: string) {
    super([what, apiMessage(origin)].filter(Boolean).join(': '));
    this.origin = origin;
  }
}

const LOG_IN = 'gcloud auth application-default login';

/** What to do, by the words of google-auth-library and of those who hand out tokens; the first that fits. */
const HINTS: readonly (readonly [words: RegExp, hint: string | (() => string)])[] = [
  [
    /universe/i,
    'Use credentials of googleapis.com: the program works with no other universe of Google Cloud.',
  ],
  [
    /Unable to detect a Project Id/i,
    'Set GOOGLE_CLOUD_PROJECT to the project that runs and pays for the jobs.',
  ],
  [
    /iam\.serviceAccounts\.getAccessToken/,
    'Grant roles/iam.workloadIdentityUser on that service account to the identity of the pool, or roles/iam.serviceAccountTokenCreator to the account that impersonates it.',
  ],
  [
    /Compute Engine built-in service account|metadata/i,
    `Attach a service account to the VM, with the scope cloud-platform; elsewhere run: ${LOG_IN}`,
  ],
  [
    /invalid_target|invalid_request|subject.?token|identity pool|sts/i,
    'Correct the provider of the workload identity pool, or make the file anew: gcloud iam workload-identity-pools create-cred-config',
  ],
  [
    /invalid_grant|invalid_client|invalid_rapt|deleted_client/,
    `Log in again: ${LOG_IN}. For a service account make a new key, and see that the clock of this machine is right.`,
  ],
  [
    /credential file|does not exist, or it is not a file|PEM|DECODER|private key|JSON object/i,
    () =>
      `Correct the file ${credentialsFile()} (GOOGLE_APPLICATION_CREDENTIALS), or take it away for the credentials of the machine.`,
  ],
];

/** NO_CREDENTIALS, with the words of Google's library, or of the token server that it asked. */
export function noCredentials(cause: unknown): ProjectorError {
  const reason = apiMessage(cause);
  const message = `the Google Cloud credentials cannot be used: ${reason}`;
  const origin = cause instanceof CredentialsError ? cause.origin : cause;
  if (isUntrusted(origin)) return untrusted(message, cause);
  const [, hint] = HINTS.find(([words]) => words.test(reason)) ?? [
    undefined,
    `Attach a service account to the VM, or run: ${LOG_IN}`,
  ];
  return new ProjectorError({
    code: 'NO_CREDENTIALS',
    message,
    hint: typeof hint === 'string' ? hint : hint(),
    cause,
  });
}
