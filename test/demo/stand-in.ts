/**
 * The stand-in for Google's services in a process of its own, so that its work can be told from the
 * program's. It lives as long as the demo: the end of the channel between them is its end too.
 */
import { startGoogle } from '../gcp/google.ts';
import type { Dataset } from './dataset.ts';
import { EARTHQUAKES } from './earthquakes.ts';
import { FLIGHT_SUMS, FLIGHTS, LATE_FLIGHTS_QUERY } from './flights.ts';
import { BUCKET, DATASET, type Question } from './stand-in-process.ts';

// Ctrl-C reaches every process of the terminal; the program still needs its storage to clean up.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());

const google = await startGoogle();
await google.createDataset(DATASET);
google.createBucket(BUCKET);

async function fill({ table, schema, options, query }: Dataset): Promise<number> {
  await google.createTable(DATASET, table, schema, options);
  return await insert(table, query);
}

async function insert(table: string, query: string) {
  const [row] = await google.duckdb(`INSERT INTO ${google.tableName(DATASET, table)} ${query}`);
  return Number(row?.['Count']);
}

const answers: Readonly<Record<Question, () => Promise<unknown>>> = {
  env: async () => google.env,
  fill: async () => ({ flights: await fill(FLIGHTS), earthquakes: await fill(EARTHQUAKES) }),
  'late flights': () => insert(FLIGHTS.table, LATE_FLIGHTS_QUERY),
  sums: async () => {
    const [row = {}] = await google.sql(`SELECT ${FLIGHT_SUMS} FROM ${DATASET}.${FLIGHTS.table}`);
    return Object.values(row).map(String);
  },
  objects: async () => google.objects(BUCKET).length,
};

process.on('message', async (question: Question) => {
  try {
    process.send?.({ question, answer: await answers[question]() });
  } catch (error) {
    process.send?.({ question, error: String(error) });
  }
});
process.send?.({ question: 'start' });
