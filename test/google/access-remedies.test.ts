import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { ErrorCode } from '../../src/error-codes.ts';
import type { FaultTarget } from '../gcp/google.ts';
import { openLoadedWorld, type World } from '../scenarios/fixture.ts';
import { exportJobs } from '../scenarios/inspect.ts';
import { errorOf } from '../sources/run-well.ts';

/** An answer of the real services, where it was recorded, and what the user has to read. */
interface Refusal {
  /** The thread or the page that shows it. */
  readonly recorded: string;
  readonly reason: string;
  readonly message: string;
  readonly code: ErrorCode;
  readonly hint: string;
}

const AGENT = 'bq-790120223743@bigquery-encryption.iam.gserviceaccount.com';
const KEY = 'projects/ci-1/locations/us/keyRings/ring/cryptoKeys/example-key';

const OF_BIGQUERY: readonly Refusal[] = [
  {
    recorded: 'github.com/hafenkran/duckdb-bigquery/issues/203',
    reason: 'policyViolation',
    message:
      "VPC Service Controls: Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: XlFLBBM_Wstu6u3Qn5s1K",
    code: 'VPC_SERVICE_CONTROLS',
    hint: 'run inside of the perimeter',
  },
  {
    recorded: 'github.com/terraform-google-modules/terraform-docs-samples/pull/334',
    reason: 'accessDenied',
    message: `Access Denied: BigQuery BigQuery: Cloud KMS Error: Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '${KEY}' (or it may not exist). Please grant Cloud KMS CryptoKey Encrypter/Decrypter role to BigQuery service account: ${AGENT}`,
    code: 'KMS_KEY_DENIED',
    hint: `gcloud kms keys add-iam-policy-binding ${KEY} --member=serviceAccount:${AGENT} --role=roles/cloudkms.cryptoKeyEncrypterDecrypter`,
  },
  {
    recorded: 'BigQuery, "Error messages", billingNotEnabled',
    reason: 'billingNotEnabled',
    message: 'Billing has not been enabled for this project. Enable billing at the console.',
    code: 'BILLING_DISABLED',
    hint: 'gcloud billing projects link PROJECT',
  },
  {
    recorded: 'github.com/googleapis/google-cloud-python/issues/4140',
    reason: 'accessNotConfigured',
    message:
      'Access Not Configured. BigQuery API has not been used in project 465736758727 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/bigquery.googleapis.com/overview?project=465736758727 then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.',
    code: 'API_DISABLED',
    hint: 'gcloud services enable bigquery.googleapis.com --project=465736758727',
  },
  {
    recorded: 'github.com/sidequery/dlt-iceberg/issues/5',
    reason: 'forbidden',
    message:
      'Your application is authenticating by using local Application Default Credentials. The bigquery.googleapis.com API requires a quota project, which is not set by default. To learn how to set your quota project, see https://cloud.google.com/docs/authentication/adc-troubleshooting/user-creds .',
    code: 'QUOTA_PROJECT_DENIED',
    hint: 'gcloud auth application-default set-quota-project PROJECT',
  },
  {
    recorded: 'github.com/GoogleCloudPlatform/document-ai-samples/issues/497',
    reason: 'forbidden',
    message:
      'Caller does not have required permission to use project PROJECT. Grant the caller the roles/serviceusage.serviceUsageConsumer role, or a custom role with the serviceusage.services.use permission, by visiting https://console.developers.google.com/iam-admin/iam/project?project=PROJECT and then retry.',
    code: 'QUOTA_PROJECT_DENIED',
    hint: 'Grant roles/serviceusage.serviceUsageConsumer on the quota project',
  },
  {
    recorded: 'github.com/DataBiosphere/leonardo/issues/332',
    reason: 'forbidden',
    message: 'Request had insufficient authentication scopes.',
    code: 'INSUFFICIENT_SCOPES',
    hint: '--scopes=cloud-platform',
  },
  {
    recorded: 'github.com/grafana/google-bigquery-datasource/issues/101',
    reason: 'accessDenied',
    message:
      'Access Denied: Project xxx: User does not have bigquery.jobs.create permission in project xxx.',
    code: 'ACCESS_DENIED',
    hint: 'roles/bigquery.jobUser',
  },
];

const OF_STORAGE: readonly Refusal[] = [
  {
    recorded: 'github.com/googleapis/google-cloud-go/issues/1509',
    reason: 'retentionPolicyNotMet',
    message:
      "Object 'test-bucket/some-object' is subject to bucket's retention policy and cannot be deleted, overwritten or archived until 2019-07-17T10:40:44.179854783-07:00",
    code: 'OBJECTS_RETAINED',
    hint: 'Name a bucket by --gcs-bucket that keeps nothing',
  },
  {
    recorded: 'github.com/GoogleCloudPlatform/gsutil/issues/1175',
    reason: 'forbidden',
    message:
      "Object 'test-bucket/path' is under active Event-Based hold and cannot be deleted, overwritten or archived until hold is removed.",
    code: 'OBJECTS_RETAINED',
    hint: 'Name a bucket by --gcs-bucket that keeps nothing',
  },
  {
    recorded: 'github.com/ollionorg/gcp-landing-zone/pull/59',
    reason: 'forbidden',
    message:
      'Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.',
    code: 'KMS_KEY_DENIED',
    hint: 'gcloud storage service-agent',
  },
  {
    recorded: 'github.com/googleapis/python-storage/issues/1456',
    reason: 'accountDisabled',
    message: 'The billing account for the owning project is disabled in state absent',
    code: 'BILLING_DISABLED',
    hint: 'gcloud billing projects link PROJECT',
  },
  {
    recorded: 'github.com/r-dbi/bigrquery/issues/265',
    reason: 'accessNotConfigured',
    message:
      'Access Not Configured. Cloud Storage JSON API has not been used in project 465736758727 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/storage-api.googleapis.com/overview?project=465736758727 then retry.',
    code: 'API_DISABLED',
    hint: 'gcloud services enable storage-api.googleapis.com --project=465736758727',
  },
  {
    recorded: 'github.com/googleapis/google-cloud-ruby/issues/6456',
    reason: 'forbidden',
    message:
      'a@b.iam.gserviceaccount.com does not have serviceusage.services.use access to the Google Cloud project.',
    code: 'QUOTA_PROJECT_DENIED',
    hint: 'roles/serviceusage.serviceUsageConsumer',
  },
  {
    recorded: 'the answer of Cloud Storage to a VM whose scopes are devstorage.read_only',
    reason: 'insufficientPermissions',
    message: 'Provided scope(s) are not authorized',
    code: 'INSUFFICIENT_SCOPES',
    hint: '--scopes=cloud-platform',
  },
  {
    recorded: 'Cloud Storage, "HTTP status and error codes for JSON", forbidden',
    reason: 'forbidden',
    message:
      "a@b.iam.gserviceaccount.com does not have storage.objects.list access to the Google Cloud Storage bucket. Permission 'storage.objects.list' denied on resource (or it may not exist).",
    code: 'ACCESS_DENIED',
    hint: '--member=serviceAccount:a@b.iam.gserviceaccount.com --role=roles/storage.objectUser',
  },
];

let world: World;
beforeAll(async () => {
  world = await openLoadedWorld();
});
beforeEach(() => world.google.heal());
afterAll(() => world[Symbol.asyncDispose]());

/** Runs with requests refused so; the error and how many export jobs there were. */
async function refused({ reason, message }: Refusal, target: FaultTarget) {
  const exported = exportJobs(world).length;
  const status = 403;
  world.google.fail({ kind: 'error', status, reason, message, times: 99, ...target });
  const outcome = await world.run();
  expect(outcome.exitCode).toBe(1);
  return { error: errorOf(outcome), exports: exportJobs(world).length - exported };
}

describe.each<[string, FaultTarget]>([
  ['tables.get', { service: 'bigquery', path: /\/tables\// }],
  ['a job', { service: 'bigquery', method: 'POST', path: /\/jobs/ }],
])('%s that BigQuery refuses by 403', (_name, target) => {
  test.each(OF_BIGQUERY.map((refusal) => [refusal.code, refusal] as const))(
    'is %s, with the remedy',
    async (_code, refusal) => {
      const isRole = refusal.code === 'ACCESS_DENIED' && target.path?.test('/tables/');
      const { error, exports } = await refused(refusal, target);
      expect(error).toMatchObject({
        code: refusal.code,
        message: expect.stringContaining(refusal.message),
        hint: expect.stringContaining(isRole ? 'roles/bigquery.dataViewer' : refusal.hint),
      });
      expect(exports).toBe(0);
    },
  );
});

test.each(OF_STORAGE.map((refusal) => [refusal.code, refusal] as const))(
  'what Cloud Storage refuses by 403 is %s, with the remedy',
  async (_code, refusal) => {
    const { error } = await refused(refusal, { service: 'storage', path: /\/o\?/ });
    expect(error).toMatchObject({
      code: refusal.code,
      message: expect.stringContaining(refusal.message),
      hint: expect.stringContaining(refusal.hint),
    });
  },
);
