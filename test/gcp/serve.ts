/** By hand: `bun test/gcp/serve.ts [port]` serves until it is interrupted, with a table to try. */
import { startGoogle } from './google.ts';

const google = await startGoogle({ port: Number(Bun.argv[2] ?? 0) });
await google.createDataset('demo');
google.createBucket('demo-bucket');
await google.createTable('demo', 'events', [
  { name: 'id', type: 'INTEGER', mode: 'REQUIRED' },
  { name: 'name', type: 'STRING' },
  { name: 'max_ingested_at', type: 'TIMESTAMP' },
]);
await google.sql(`INSERT INTO \`demo.events\` (id, name, max_ingested_at)
  SELECT n, CONCAT('event ', CAST(n AS STRING)), TIMESTAMP_SECONDS(1700000000 + n)
  FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n`);
for (const [name, value] of Object.entries(google.env)) {
  process.stdout.write(`export ${name}=${value}\n`);
}
