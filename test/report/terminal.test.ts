import { expect, test } from 'bun:test';
import { ProjectorError } from '../../src/errors.ts';
import { terminalReport } from '../../src/report/terminal.ts';
import { newScreen } from './screen.ts';
import { aSummary } from './summary-fixture.ts';

/** A terminal, a report on it, and a clock that a test moves. */
function watch(columns = 80) {
  const screen = newScreen(columns);
  const clock = { ms: 0 };
  const report = terminalReport({
    out: screen.stream,
    errors: screen.stream,
    nowMs: () => clock.ms,
  });
  return { screen, clock, report };
}

test('a load shows a bar, rows, the rate and the time left', () => {
  const { screen, clock, report } = watch();
  const load = report.phase('load', { total: 3_000_000, unit: 'rows' });
  clock.ms = 4000;
  load.advance(1_000_000);
  report.info('hello');
  expect(screen.lines()).toEqual([
    'hello',
    'load      ██████░░░░░░░░░░░░░   33%  1.0M of 3.0M rows  250k rows/s  8.0 s left',
  ]);
  report.close();
});

test('without a total, a phase shows the time that has passed', () => {
  const { screen, clock, report } = watch();
  report.phase('export', { unit: 'shards' });
  clock.ms = 12_000;
  report.info('hello');
  expect(screen.lines()).toEqual(['hello', 'export    |  12 s']);
  report.close();
});

test.each([80, 40, 20])(
  'at %i columns, bars take one line each, and messages stand above',
  (columns) => {
    const { screen, clock, report } = watch(columns);
    const load = report.phase('load', { total: 3_000_000, unit: 'rows' });
    report.phase('clean up', { total: 3, unit: 'objects' });
    report.info('one');
    clock.ms = 5000;
    load.advance(2_000_000, { bytes: 140_000_000 });
    report.warn('two\nthree');
    const lines = screen.lines();
    expect(lines.slice(0, 3)).toEqual(['one', 'Warning: two', 'three']);
    expect(lines.slice(3).map((line) => line.slice(0, 8).trim())).toEqual(['load', 'clean up']);
    report.close();
  },
);

test('a message longer than the terminal is wide leaves nothing of the bars behind', () => {
  const { screen, report } = watch(40);
  const long = 'x'.repeat(70);
  report.phase('load', { total: 10, unit: 'rows' });
  report.phase('export');
  report.info(long);
  report.close();
  expect(screen.lines()).toEqual(['x'.repeat(40), 'x'.repeat(30)]);
});

test('a message of several lines leaves nothing of the bars behind', () => {
  const { screen, report } = watch();
  report.phase('load', { total: 10, unit: 'rows' });
  report.phase('export');
  report.info('zero');
  report.info('one\ntwo\nthree');
  report.close();
  expect(screen.lines()).toEqual(['zero', 'one', 'two', 'three']);
});

test('a phase that is over becomes a line, and the bars of others stay', () => {
  const { screen, clock, report } = watch();
  const load = report.phase('load', { total: 10, unit: 'rows' });
  const cleanUp = report.phase('clean up', { total: 2, unit: 'objects' });
  clock.ms = 500;
  cleanUp.advance(2);
  cleanUp.finish();
  cleanUp.finish();
  expect(screen.lines()[0]).toBe('clean up: 2 objects in 0.5 s');
  expect(screen.lines()[1]).toStartWith('load      ░░░');
  clock.ms = 2000;
  load.advance(10, { bytes: 2_000_000 });
  load.finish();
  expect(screen.lines()).toEqual([
    'clean up: 2 objects in 0.5 s',
    'load: 10 rows, 2.0 MB in 2.0 s, 5 rows/s',
  ]);
});

test('nothing new is one line', () => {
  const { screen, report } = watch();
  report.summary({ ...aSummary, mode: 'nothing new' });
  expect(screen.lines()).toEqual([
    'Nothing new in p.analytics.flights since 2024-05-01 00:00:00.123456: public.flig',
    'hts is up to date',
  ]);
});

test('the summary says what was moved, how long it took, and the new watermark', () => {
  const { screen, clock, report } = watch();
  clock.ms = 7000;
  report.summary(aSummary);
  expect(screen.lines()).toEqual([
    'Full load of p.analytics.flights into public.flights: 3,000,000 rows',
    '  window     all rows',
    '  rows       3,000,000',
    '  bytes      211 MB',
    '  time       7.0 s in all, export 2.1 s, load 4.2 s',
    '  watermark  2024-05-01 00:00:00.123456',
    '  run        run-1',
    '  warning    odd',
  ]);
});

test('the summary says what a full load did to the table, and what it cost', () => {
  const { screen, report } = watch();
  report.summary({ ...aSummary, rowsBefore: 2_999_000, rowsAfter: 3_000_000, bytesBilled: 4e9 });
  expect(screen.lines()).toContain('  target     2,999,000 rows before, 3,000,000 after');
  expect(screen.lines()).toContain('  cost       BigQuery billed 4.0 GB, about 0.02 $ on demand');
});

test('an error takes the bars away, and tells what happened, why, and what to do', () => {
  const { screen, report } = watch();
  report.phase('load', { total: 10, unit: 'rows' });
  const cause = new Error('404 Not found', { cause: new Error('no such thing') });
  const hint = 'Make it: bq mk x.y';
  report.error(
    new ProjectorError({ code: 'TABLE_NOT_FOUND', message: 'x.y is not there', hint, cause }),
  );
  expect(screen.lines()).toEqual([
    'x.y is not there (TABLE_NOT_FOUND)',
    'Cause: 404 Not found',
    'Cause: no such thing',
    'Make it: bq mk x.y',
  ]);
});

test('a password is masked in messages, errors and their causes', () => {
  const { screen, report } = watch();
  report.hide('hunter2!');
  report.info('with hunter2! inside');
  const cause = new Error('in the URI: hunter2%21');
  report.error(new ProjectorError({ code: 'CONFLICT', message: 'hunter2!', cause }));
  expect(screen.lines()).toEqual(['with *** inside', '*** (CONFLICT)', 'Cause: in the URI: ***']);
});

test('after the end nothing more is drawn', async () => {
  const { screen, report } = watch();
  const load = report.phase('load', { total: 10, unit: 'rows' });
  report.close();
  load.advance(5);
  load.finish();
  await Bun.sleep(250);
  expect(screen.lines()).toEqual(['']);
});
