import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { fitLine, MAX_LINE_BYTES } from '../../src/report/fit-line.ts';

test('a line that fits stays as it is', () => {
  const line = `${JSON.stringify({ message: 'x'.repeat(31_000) })}\n`;
  expect(fitLine(line)).toBe(line);
});

test('a longer one keeps the beginning and the end of its texts, and says what it leaves out', () => {
  const message = `it failed: ${'x'.repeat(1_000_000)} Run again.`;
  const warnings = Array.from({ length: 600 }, (_, i) => `warning ${i}`.padEnd(100));
  const line = fitLine(`${JSON.stringify({ severity: 'ERROR', message, warnings })}\n`);
  const entry = JSON.parse(line);
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
  expect(entry.severity).toBe('ERROR');
  expect(entry.message).toMatch(/^it failed: x+ \.\.\. \(\d+ characters\) \.\.\. x+ Run again\.$/);
  expect(entry.warnings.at(-1)).toMatch(/^\.\.\. and \d+ more$/);
});

test('any line fits, and is one JSON object', () => {
  const text = fc
    .tuple(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50_000 }))
    .map(([unit, times]) => unit.repeat(times).slice(0, 200_000));
  const entry = fc.record({
    message: text,
    list: fc.array(fc.record({ a: text, b: fc.integer() }), { maxLength: 3 }),
    deep: fc.record({ a: fc.record({ b: text }) }),
  });
  fc.assert(
    fc.property(entry, (fields) => {
      const line = fitLine(`${JSON.stringify(fields)}\n`);
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
      expect(line.trimEnd()).not.toContain('\n');
      expect(Object.keys(JSON.parse(line))).toEqual(['message', 'list', 'deep']);
    }),
    { numRuns: 50 },
  );
});
