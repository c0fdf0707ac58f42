import type { Field } from '../gcp/google.ts';
import type { Dataset } from './dataset.ts';
import { dataFile } from './vega-datasets.ts';

/** Flights within the United States in the first half of 2001, of the npm package vega-datasets. */
const THREE_MILLION = dataFile('flights-3m.parquet');
const TEN_THOUSAND = dataFile('flights-10k.json');

const SCHEMA: readonly Field[] = [
  { name: 'date', type: 'DATETIME', mode: 'REQUIRED', description: 'Departure, local time' },
  { name: 'delay', type: 'INTEGER', description: 'Minutes late on arrival' },
  { name: 'distance', type: 'INTEGER', description: 'Miles' },
  { name: 'origin', type: 'STRING', description: 'Airport of departure' },
  { name: 'destination', type: 'STRING', description: 'Airport of arrival' },
  { name: 'max_ingested_at', type: 'TIMESTAMP', description: 'When delivered' },
];

/** Every flight was delivered at three o'clock of the night that followed it. */
export const FLIGHTS: Dataset = {
  table: 'flights',
  schema: SCHEMA,
  options: {
    description: 'Flights within the United States, January to June 2001',
    timePartitioning: { type: 'DAY', field: 'max_ingested_at' },
    clustering: { fields: ['origin'] },
  },
  query: `
    SELECT date, delay, distance, origin, destination,
      (date_trunc('day', date) + INTERVAL 27 HOUR) AT TIME ZONE 'UTC'
    FROM '${THREE_MILLION}'`,
};

/** 10,000 flights of another file, delivered late, a microsecond after each other. */
export const LATE_FLIGHTS_QUERY = `
  SELECT strptime(date, '%Y/%m/%d %H:%M'), delay, distance, origin, destination,
    TIMESTAMPTZ '2001-07-03 04:05:06+00' + to_microseconds(row_number() OVER ())
  FROM read_json('${TEN_THOUSAND}', columns = {
    date: 'VARCHAR', delay: 'BIGINT', distance: 'BIGINT', origin: 'VARCHAR', destination: 'VARCHAR'})`;

/** The same sums by BigQuery's and by Postgres's SQL. */
export const FLIGHT_SUMS = `
  COUNT(*) AS flights, SUM(delay) AS delay, SUM(distance) AS miles,
  COUNT(DISTINCT origin) AS origins, COUNT(DISTINCT max_ingested_at) AS deliveries`;
