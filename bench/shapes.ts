import type { Field } from '../test/gcp/google.ts';

/** A kind of table to measure: its columns, and DuckDB's expressions that fill them from row number i. */
export interface Shape {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly values: readonly string[];
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

function shape(name: string, columns: readonly Column[]): Shape {
  const ingested = {
    name: 'max_ingested_at',
    type: 'TIMESTAMP',
    value: "TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL 1 MICROSECOND * i",
  };
  const all = [...columns, ingested];
  return {
    name,
    fields: all.map((column) => ({ name: column.name, type: column.type })),
    values: all.map((column) => column.value),
  };
}

const effects = Array.from({ length: 6 }, (_, n) => ({
  name: `effect_${n}`,
  type: 'FLOAT64',
  value: `sin(i * ${n + 1}.37) * 12.5`,
}));

/** Perturbation statistics: few text keys, many doubles. */
export const STATISTICS = shape('statistics', [
  { name: 'dataset', type: 'STRING', value: "'dataset_' || (i % 40)" },
  { name: 'gene', type: 'STRING', value: "'ENSG' || lpad(CAST(i % 20000 AS VARCHAR), 11, '0')" },
  { name: 'cell_line', type: 'STRING', value: "'line ' || (i % 300)" },
  ...effects,
  { name: 'cells', type: 'INT64', value: 'i * 7919 % 100000' },
  { name: 'significant', type: 'BOOL', value: 'i % 3 = 0' },
]);

/** Events of a shop: a key, money, JSON. */
export const EVENTS = shape('events', [
  { name: 'id', type: 'INT64', value: 'i' },
  { name: 'kind', type: 'STRING', value: "'event_' || (i % 17)" },
  { name: 'amount', type: 'NUMERIC', value: 'CAST((i * 7919 % 10000000) AS DECIMAL(38,9)) / 100' },
  { name: 'score', type: 'FLOAT64', value: 'cos(i * 0.7) * 100' },
  { name: 'paid', type: 'BOOL', value: 'i % 2 = 0' },
  { name: 'day', type: 'DATE', value: "DATE '2020-01-01' + CAST(i % 2000 AS INTEGER)" },
  {
    name: 'payload',
    type: 'JSON',
    value: `'{"user":' || i % 100000 || ',"path":"/item/' || i || '","tags":["new","sale"],"price":' || (i % 1000) / 10 || '}'`,
  },
]);

/** A table of `count` columns, doubles all but the last. */
export function wideShape(count: number): Shape {
  const columns = Array.from({ length: count - 1 }, (_, n) => ({
    name: `v${n}`,
    type: 'FLOAT64',
    value: `i * ${n + 1}.5`,
  }));
  return shape(`wide ${count}`, columns);
}
