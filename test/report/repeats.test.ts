import { expect, test } from 'bun:test';
import { jsonLinesReport } from '../../src/report/json-lines.ts';
import { withoutRepeats } from '../../src/report/repeats.ts';
import { timed } from '../../src/report/timings.ts';
import { aSummary } from './summary-fixture.ts';

/** A report whose messages are kept, and a clock that a test moves. */
function listen() {
  const messages: string[] = [];
  const clock = { ms: 0 };
  const keep = { write: (line: string) => messages.push(JSON.parse(line).message) };
  const report = withoutRepeats(jsonLinesReport({ out: keep, errors: keep }), () => clock.ms);
  return { messages, clock, report };
}

test('many warnings of one kind are the first of them, and their number before the end', () => {
  const { messages, report } = listen();
  for (let i = 0; i < 600; i++) report.warn(`could not delete gs://b/${i}.avro of "run ${i}"`);
  report.warn('something else');
  report.error(new Error('it failed'));
  report.close();
  expect(messages.slice(0, 3)).toEqual([
    'could not delete gs://b/0.avro of "run 0"',
    'something else',
    'could not delete gs://b/0.avro of "run 0" (and 599 more of this kind)',
  ]);
  expect(messages).toHaveLength(4);
});

test('reminders that come every 30 s are all written, with the number of those between them', () => {
  const { messages, clock, report } = listen();
  for (clock.ms = 0; clock.ms <= 60_000; clock.ms += 30_000) {
    report.warn('no answer; trying again');
    report.warn('no answer; trying again');
  }
  report.summary({ ...aSummary, mode: 'nothing new' });
  expect(messages.slice(0, -1)).toEqual([
    'no answer; trying again',
    'no answer; trying again (and 1 more of this kind)',
    'no answer; trying again (and 1 more of this kind)',
    'no answer; trying again (and 1 more of this kind)',
  ]);
});

test('the summary has each kind of warning once, with the number of the others', () => {
  const timings = timed(listen().report);
  for (let i = 0; i < 600; i++) timings.report.warn(`object ${i} stays`);
  timings.report.warn('odd');
  expect(timings.warnings).toEqual(['object 0 stays (and 599 more of this kind)', 'odd']);
});
