import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The package exports its scripts only; its data is found beside them.
const ENTRY = createRequire(import.meta.path).resolve('vega-datasets');

/** The path of a file of real data, of the npm package vega-datasets. */
export function dataFile(name: string): string {
  return join(dirname(ENTRY), '../data', name);
}
