import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import type { ParsedType } from '../../src/plan/parsed-string.ts';
import { EXPRESSIONS } from '../gcp/expressions.ts';
import { type Google, startGoogle } from '../gcp/google.ts';
import { byStandIn, byZetaSql, type Evaluate, outcomeText } from './evaluate.ts';
import { type EvaluatedType, HARD_VALUES, literalOf, quote } from './hard-values.ts';
import { nearMisses, TEXTS } from './texts.ts';
import { openZetaSql, type ZetaSql } from './zetasql.ts';

setDefaultTimeout(600_000);

let google: Google;
let zetaSql: ZetaSql;
let asked: Evaluate;
let standIn: Evaluate;
beforeAll(async () => {
  google = await startGoogle();
  zetaSql = await openZetaSql();
  asked = byZetaSql(zetaSql);
  standIn = byStandIn(google);
});
afterAll(() => google[Symbol.asyncDispose]());

/** Where BigQuery itself answers otherwise (recorded: CAST AS STRING of a NaN), and what ZetaSQL lacks. */
const OTHERWISE = [`CAST(CAST('nan' AS FLOAT64) AS STRING)`, 'ST_ASTEXT(ST_GEOGPOINT(1, 2.5))'];

test('ZetaSQL answers what the tests of the stand-in expect', () => {
  for (const [expression, expected] of EXPRESSIONS) {
    if (OTHERWISE.includes(expression)) continue;
    const value: unknown = zetaSql.query(`SELECT ${expression}`)[0]?.[0];
    const plain = typeof value === 'bigint' ? Number(value) : value;
    expect([expression, plain]).toEqual([expression, expected]);
  }
});

async function assertAgreed(expression: string, literals: readonly string[]): Promise<void> {
  const [expected, found] = [
    await asked(expression, literals),
    await standIn(expression, literals),
  ];
  const named = (outcomes: typeof expected) =>
    outcomes.map((outcome, at) => `${literals[at]}: ${outcomeText(outcome)}`);
  expect(named(found)).toEqual(named(expected));
}

/** The same texts each time; others by `SEED=7`. */
const SEED = Number(process.env['SEED'] ?? 1);
const RANDOM_TEXTS = 1000;
const isPlain = (type: ParsedType) => ['BOOL', 'INT64', 'FLOAT64'].includes(type);

describe('the stand-in reads a text as ZetaSQL does, or does not read it either', () => {
  test.each(Object.keys(TEXTS) as ParsedType[])('as %s', async (type) => {
    const texts = [
      ...TEXTS[type],
      ...fc.sample(nearMisses(type), { seed: SEED, numRuns: RANDOM_TEXTS }),
    ];
    const cast = `SAFE_CAST(x AS ${type})`;
    await assertAgreed(isPlain(type) ? cast : `CAST(${cast} AS STRING)`, texts.map(quote));
    await assertAgreed(`CAST(x AS ${type}) IS NULL`, TEXTS[type].map(quote));
  });
});

const TYPES = Object.keys(HARD_VALUES) as EvaluatedType[];
/** NaN has another text in BigQuery than in ZetaSQL; DuckDB's client drops a byte order mark. */
const isSpelledAlike = (text: string) => text !== 'NaN' && !text.startsWith('\uFEFF');
const literals = (type: EvaluatedType) =>
  HARD_VALUES[type].filter(isSpelledAlike).map((text) => literalOf(type, text));
const TEXTLESS = ['BYTES', 'JSON', 'STRUCT'];

describe('the stand-in writes a value as ZetaSQL does', () => {
  test.each(TYPES.filter((type) => !TEXTLESS.includes(type)))('%s as STRING', async (type) => {
    await assertAgreed('CAST(x AS STRING)', literals(type));
  });

  test.each(TYPES)('%s as JSON, alone and within an ARRAY and a STRUCT', async (type) => {
    await assertAgreed('TO_JSON_STRING(x)', literals(type));
    const all = literals(type);
    await assertAgreed('TO_JSON_STRING(x)', [`[${all.join(', ')}]`]);
    await assertAgreed(
      'TO_JSON_STRING(x)',
      all.map((each) => `STRUCT(${each} AS a, [${each}] AS b)`),
    );
  });
});
