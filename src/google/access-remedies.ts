import type { ErrorCode } from '../error-codes.ts';
import { ProjectorError } from '../errors.ts';
import { apiMessage, reasonOf } from './api-error.ts';

/** One of the things that a 403 can mean, and what to do about it. */
interface Remedy {
  readonly code: ErrorCode;
  /** What it is known by, in `reason: message` of the answer. */
  readonly known: RegExp;
  readonly hint: (message: string) => string;
}

/** In the order of trial. Each has an answer of the real services in test/google/access-remedies.test.ts. */
const REMEDIES: readonly Remedy[] = [
  {
    code: 'VPC_SERVICE_CONTROLS',
    known:
      /VPC Service Controls:|vpcServiceControlsUniqueIdentifier|prohibited by organization's policy/,
    hint: () =>
      'A perimeter of VPC Service Controls refuses it: run inside of the perimeter, or have its administrator add an ingress or egress rule for the service account. The identifier in the message finds the refusal in the audit log.',
  },
  {
    code: 'OBJECTS_RETAINED',
    known:
      /^retentionPolicyNotMet:|is subject to (?:bucket's retention policy|object retention)|is under active \S+ hold/,
    hint: () =>
      'Name a bucket by --gcs-bucket that keeps nothing: without retention policy, object retention and default holds. BigQuery rewrites its objects, and a run deletes them.',
  },
  {
    code: 'KMS_KEY_DENIED',
    known: /Cloud KMS|cloudkms\.cryptoKey/,
    hint: (message) =>
      `Let the service use the key: gcloud kms keys add-iam-policy-binding ${kmsKey(message)} --member=serviceAccount:${accountIn(message) ?? 'SERVICE_AGENT'} --role=roles/cloudkms.cryptoKeyEncrypterDecrypter. The agent of Cloud Storage is what this prints: gcloud storage service-agent`,
  },
  {
    code: 'BILLING_DISABLED',
    known:
      /^(?:billingNotEnabled|accountDisabled):|has billing disabled|billing account for the owning project/i,
    hint: () =>
      'Link the project to an open billing account: gcloud billing projects link PROJECT --billing-account=ACCOUNT',
  },
  {
    code: 'API_DISABLED',
    known: /^accessNotConfigured:|has not been used in project \S+ before or it is disabled/,
    hint: (message) => {
      const [, api = 'bigquery.googleapis.com', project = 'PROJECT'] =
        /apis\/api\/([\w.-]+)\/overview\?project=([\w.:-]+)/.exec(message) ?? [];
      return `Switch the API on, and run again some minutes later: gcloud services enable ${api} --project=${project}`;
    },
  },
  {
    code: 'QUOTA_PROJECT_DENIED',
    known:
      /requires a quota project|serviceusage\.services\.use|required permission to use project/,
    hint: (message) =>
      /requires a quota project/.test(message)
        ? 'Name the project whose quota is used: gcloud auth application-default set-quota-project PROJECT'
        : 'Grant roles/serviceusage.serviceUsageConsumer on the quota project to the account, or name another one: gcloud auth application-default set-quota-project PROJECT',
  },
  {
    code: 'INSUFFICIENT_SCOPES',
    known:
      /^insufficientPermissions:|insufficient authentication scopes|Provided scope\(s\) are not authorized/,
    hint: () =>
      'The access scopes of the VM leave the service out. Stop the VM, and: gcloud compute instances set-service-account VM --zone=ZONE --service-account=ACCOUNT --scopes=cloud-platform',
  },
];

/**
 * The error of a 403, or of a job that was denied. `refused` is what was not allowed, as a sentence;
 * `roleHint` what to grant where nothing but a role is missing.
 */
export function accessRefused(cause: unknown, refused: string, roleHint: string): ProjectorError {
  const message = apiMessage(cause);
  const remedy = REMEDIES.find(({ known }) => known.test(`${reasonOf(cause)}: ${message}`));
  return new ProjectorError({
    code: remedy?.code ?? 'ACCESS_DENIED',
    message: `${refused}: ${message}`,
    hint: remedy?.hint(message) ?? roleHint,
    cause,
  });
}

/** The first account that a message names. */
export function accountIn(message: string): string | undefined {
  return /[\w.+-]+@[\w.-]+\w/.exec(message)?.[0];
}

function kmsKey(message: string): string {
  return /projects\/\S+?\/cryptoKeys\/[\w-]+/.exec(message)?.[0] ?? 'KEY';
}
