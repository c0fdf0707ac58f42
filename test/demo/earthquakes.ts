import type { Field } from '../gcp/google.ts';
import type { Dataset } from './dataset.ts';
import { dataFile } from './vega-datasets.ts';

/** A week of the United States Geological Survey, as GeoJSON, of the npm package vega-datasets. */
const FILE = dataFile('earthquakes.json');

const PROPERTIES: readonly Field[] = [
  { name: 'mag', type: 'FLOAT' },
  { name: 'place', type: 'STRING' },
  { name: 'time', type: 'INTEGER' },
  { name: 'felt', type: 'INTEGER' },
  { name: 'alert', type: 'STRING' },
  { name: 'tsunami', type: 'INTEGER' },
  { name: 'sig', type: 'INTEGER' },
  { name: 'magType', type: 'STRING' },
  { name: 'title', type: 'STRING' },
];

const GEOMETRY: readonly Field[] = [
  { name: 'type', type: 'STRING' },
  { name: 'coordinates', type: 'FLOAT', mode: 'REPEATED' },
];

/** A column of each nested kind: a STRUCT, a STRUCT with an ARRAY in it, an ARRAY. */
export const EARTHQUAKES: Dataset = {
  table: 'earthquakes',
  schema: [
    { name: 'id', type: 'STRING', mode: 'REQUIRED' },
    { name: 'properties', type: 'RECORD', fields: PROPERTIES },
    { name: 'geometry', type: 'RECORD', fields: GEOMETRY },
    { name: 'sources', type: 'STRING', mode: 'REPEATED', description: 'Reported by' },
    { name: 'max_ingested_at', type: 'TIMESTAMP', description: 'Last update' },
  ],
  options: { description: 'Earthquakes of one week' },
  query: `
    SELECT quake.id, ${structOf('quake.properties', PROPERTIES)}, ${structOf('quake.geometry', GEOMETRY)},
      string_split(trim(quake.properties.sources, ','), ','),
      epoch_ms(quake.properties.updated) AT TIME ZONE 'UTC'
    FROM (SELECT unnest(features) AS quake FROM '${FILE}')`,
};

function structOf(path: string, fields: readonly Field[]): string {
  const parts = fields.map(({ name }) => `"${name}" := ${path}."${name}"`);
  return `struct_pack(${parts.join(', ')})`;
}
