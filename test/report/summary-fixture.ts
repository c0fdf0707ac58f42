import type { Summary } from '../../src/report/summary.ts';

export const aSummary: Summary = {
  runId: 'run-1',
  mode: 'full',
  source: 'p.analytics.flights',
  target: 'public.flights',
  since: undefined,
  rows: 3_000_000,
  bytes: 211_000_000,
  seconds: { export: 2.1, load: 4.2 },
  watermark: '2024-05-01 00:00:00.123456',
  warnings: ['odd'],
};
