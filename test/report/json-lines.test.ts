import { expect, test } from 'bun:test';
import { ProjectorError } from '../../src/errors.ts';
import { jsonLinesReport } from '../../src/report/json-lines.ts';
import { aSummary } from './summary-fixture.ts';

interface Line {
  readonly message?: string;
  readonly time?: string;
  readonly stack?: string;
}

/** A report whose lines are kept, and a clock that a test moves. */
function listen() {
  const out: Line[] = [];
  const errors: Line[] = [];
  const clock = { ms: 0 };
  const report = jsonLinesReport({
    out: { write: (line) => out.push(JSON.parse(line)) },
    errors: { write: (line) => errors.push(JSON.parse(line)) },
    nowMs: () => clock.ms,
  });
  return { out, errors, clock, report };
}

test('a line has severity, message, an RFC 3339 time and the fields', () => {
  const { out, report } = listen();
  report.info('hello', { rows: 3, big: 9_007_199_254_740_993n });
  report.warn('odd');
  expect(out[0]).toMatchObject({ severity: 'INFO', message: 'hello', rows: 3 });
  expect(out[1]).toMatchObject({ severity: 'WARNING', message: 'odd' });
  expect(out[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('every line tells what the run is known by, as far as it is known', () => {
  const { out, errors, report } = listen();
  report.identify({ version: '1.0.0', target: 'Flights' });
  report.info('first');
  report.identify({ runId: 'run-1', target: 'public.flights' });
  report.phase('swap').finish();
  report.error(new Error('it failed'));
  expect(out).toMatchObject([
    { version: '1.0.0', target: 'Flights', message: 'first' },
    { version: '1.0.0', target: 'public.flights', runId: 'run-1', phase: 'swap' },
  ]);
  expect(errors).toMatchObject([{ version: '1.0.0', target: 'public.flights', runId: 'run-1' }]);
});

test('the summary says in words what BigQuery billed', () => {
  const { out, report } = listen();
  for (const bytesBilled of [0, 10_485_760, 1_200_000_000, 2 ** 42])
    report.summary({ ...aSummary, bytesBilled });
  expect(out.map((line) => (line as { cost?: string }).cost)).toEqual([
    'BigQuery billed nothing',
    'BigQuery billed 10 MB, less than 0.01 $ on demand',
    'BigQuery billed 1.2 GB, about 0.01 $ on demand',
    'BigQuery billed 4.4 TB, about 25.00 $ on demand',
  ]);
});

test('errors go to the other stream, with code, next and causes as fields and in the message', () => {
  const { out, errors, report } = listen();
  const cause = new AggregateError([new Error('one'), new Error('two')], 'both failed');
  report.error(
    new ProjectorError({ code: 'CONFLICT', message: 'it failed', hint: 'Mend it.', cause }),
  );
  expect(out).toEqual([]);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({
    severity: 'ERROR',
    code: 'CONFLICT',
    hint: 'Mend it.',
    cause: ['both failed', 'one', 'two'],
    message: 'it failed (CONFLICT)\nCause: both failed\nCause: one\nCause: two\nMend it.',
  });
});

test('what nobody foresaw is told with its stack', () => {
  const { errors, report } = listen();
  report.error(new TypeError('undefined is not a function'));
  expect(errors[0]).toMatchObject({ code: 'UNEXPECTED' });
  expect(errors[0]?.stack).toContain('json-lines.test.ts');
});

test('progress is told at most every ten seconds, and at the end', () => {
  const { out, clock, report } = listen();
  const load = report.phase('load', { total: 100, unit: 'rows' });
  for (clock.ms = 0; clock.ms < 25_000; clock.ms += 100) load.advance(clock.ms / 250);
  load.advance(100, { bytes: 2_000_000 });
  load.finish();
  load.finish();
  expect(out.map((line) => line.message)).toEqual([
    'load: 40 rows in 10 s, 4 rows/s so far',
    'load: 80 rows in 20 s, 4 rows/s so far',
    'load: 100 rows, 2.0 MB in 25 s, 4 rows/s',
  ]);
  expect(out[2]).toMatchObject({ phase: 'load', total: 100, done: 100, seconds: 25 });
});

test('nothing new is one line', () => {
  const { out, report } = listen();
  report.summary({ ...aSummary, mode: 'nothing new' });
  report.close();
  expect(out).toHaveLength(1);
  expect(out[0]?.message).toStartWith('Nothing new in p.analytics.flights since 2024-05-01');
});

test('the summary is one line with all its figures as fields', () => {
  const { out, clock, report } = listen();
  clock.ms = 7000;
  report.summary(aSummary);
  expect(out[0]).toMatchObject({ ...JSON.parse(JSON.stringify(aSummary)), totalSeconds: 7 });
});

test('a password is masked in messages, in fields at any depth, and in errors', () => {
  const { out, errors, report } = listen();
  report.hide('hunter2!');
  report.info('hunter2!', {
    deep: [{ uri: 'postgres://u:hunter2%21@h' }],
    url: new URL('http://hunter2!@h'),
  });
  report.warn('hunter2!', { at: 'hunter2!' });
  report.error(new Error('hunter2!', { cause: 'hunter2!' }));
  expect(JSON.stringify([...out, ...errors])).not.toContain('hunter2');
  expect(out[0]).toMatchObject({ message: '***', deep: [{ uri: 'postgres://u:***@h' }] });
});
