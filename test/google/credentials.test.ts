import { expect, test } from 'bun:test';
import { isCredentialsFailure } from '../../src/google/credentials.ts';

test.each([
  'Could not load the default credentials. Browse to https://cloud.google.com/docs/authentication',
  'A Not Found error was returned while attempting to retrieve an accesstoken for the Compute Engine built-in service account: Could not refresh access token: Request failed with status code 404',
  'Invalid response from metadata service: incorrect metadata-flavor header.',
  'Unable to detect a Project Id in the current environment.',
  'invalid_grant',
])('of the credentials: %s', (message) => {
  expect(isCredentialsFailure(new Error(message))).toBe(true);
});

test.each([
  'The metadata for object "runs/1/a.avro" was edited during the operation.',
  'Exceeded rate limits: too many table update operations for this table (metadata)',
  'Access Denied: Dataset lab: Permission bigquery.datasets.get denied',
])('not of the credentials: %s', (message) => {
  expect(isCredentialsFailure(new Error(message))).toBe(false);
});
