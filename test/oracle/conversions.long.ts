import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import type postgres from 'postgres';
import type { ParsedType } from '../../src/plan/parsed-string.ts';
import { type Google, startGoogle } from '../gcp/google.ts';
import { KINDS } from '../matrix/random-values.ts';
import { SETUP } from '../matrix/targets.ts';
import type { TestDatabase } from '../server/database.ts';
import { sharedPostgres } from '../server/shared.ts';
import { arrivals } from './arrivals.ts';
import { byStandIn, byZetaSql, type Evaluate, type Outcome, outcomeText } from './evaluate.ts';
import { expectedSql, postgresText } from './expected.ts';
import { type EvaluatedType, HARD_VALUES, literalOf, quote } from './hard-values.ts';
import { nearMisses, TEXTS } from './texts.ts';
import { WAYS } from './ways.ts';
import { openZetaSql } from './zetasql.ts';

setDefaultTimeout(600_000);

/** Zones of a project's default: far from UTC, and with seconds in their offset of early years. */
const ZONES = ['Asia/Kolkata', 'America/Los_Angeles'];
const RANDOM_VALUES = 40;

let google: Google;
let database: TestDatabase;
let session: postgres.ReservedSql;
let inUtc: Evaluate;
let elsewhere: readonly Evaluate[];
let standIn: Evaluate;

beforeAll(async () => {
  google = await startGoogle();
  database = await (await sharedPostgres()).createDatabase();
  await database.sql.unsafe(`${SETUP.join(';')};
    CREATE FUNCTION try(expression text, value text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE result text;
    BEGIN
      EXECUTE format('SELECT (%s)::text', expression) INTO result USING value;
      RETURN coalesce(result, 'refused');
    EXCEPTION WHEN OTHERS THEN
      RETURN 'refused';
    END $$`);
  session = await database.sql.reserve();
  await session.unsafe(`SET timezone = 'UTC'`);
  inUtc = byZetaSql(await openZetaSql());
  const others = ZONES.map((timeZone) => openZetaSql({ timeZone }));
  elsewhere = (await Promise.all(others)).map(byZetaSql);
  standIn = byStandIn(google);
});
afterAll(async () => {
  session.release();
  await database.drop();
  await google[Symbol.asyncDispose]();
});

/** The hard values of a type, and random ones where the matrix has some. */
function textsOf(source: EvaluatedType): readonly string[] {
  const kinds = KINDS.filter(({ field }) => field.type === source && source !== 'BYTES');
  const random = kinds.flatMap(({ values }) => fc.sample(values, RANDOM_VALUES));
  return [...HARD_VALUES[source], ...random].map((text) => canonical(source, text));
}

/** A text as GoogleSQL writes it, FLOAT64 as JavaScript does. */
function canonical(source: EvaluatedType, text: string): string {
  if (source === 'FLOAT64') return Object.is(Number(text), -0) ? '-0' : String(Number(text));
  if (!/^(TIME|DATETIME|TIMESTAMP)$/.test(source)) return text;
  return text.replace(/\.(\d{3})(\d{3})/, (_, millis: string, micros: string) =>
    micros !== '000' ? `.${millis}${micros}` : millis === '000' ? '' : `.${millis}`,
  );
}

/** Asserts that all evaluators agree, and answers what they say. */
async function agreed(expression: string, literals: readonly string[]): Promise<Outcome[]> {
  const outcomes = await inUtc(expression, literals);
  for (const other of [...elsewhere, standIn]) {
    const others = await other(expression, literals);
    expect(named(literals, others.map(comparable))).toEqual(
      named(literals, outcomes.map(comparable)),
    );
  }
  return outcomes;
}

/**
 * An outcome without what the stand-in cannot show: DuckDB's client drops a byte order mark, and of
 * the texts of a double in JSON ZetaSQL takes one that is not always the shortest.
 */
function comparable(outcome: Outcome): string {
  const text = outcomeText(outcome).replace('\uFEFF', '');
  return text.replace(/-?\d\.\d+e[+-]\d+|-?\d+\.\d+/g, (number) => String(Number(number)));
}

/** What PostgreSQL makes of each text by `sql`, or `refused`. */
async function readByPostgres(sql: string, texts: readonly string[]): Promise<string[]> {
  const rows = await session.unsafe<{ text: string }[]>(
    `SELECT try($1, t) AS text
     FROM jsonb_array_elements_text($2::text::jsonb) WITH ORDINALITY AS each(t, o) ORDER BY o`,
    [sql, JSON.stringify(texts)],
  );
  return rows.map(({ text }) => text);
}

const named = (texts: readonly string[], found: readonly string[]) =>
  found.map((each, at) => `${texts[at]}: ${each}`);
const textsHeld = /^(text|varchar|bpchar|citext|name)$/;
const READ_ALIKE = WAYS.filter(
  ({ source, target }) => source !== 'STRING' || textsHeld.test(target),
);
const PARSED: Readonly<Record<string, ParsedType>> = {
  ...{ int8: 'INT64', int4: 'INT64', int2: 'INT64', float8: 'FLOAT64', float4: 'FLOAT64' },
  ...{ bool: 'BOOL', date: 'DATE', time: 'TIME', timestamp: 'DATETIME', timestamptz: 'TIMESTAMP' },
};
const PARSED_WAYS = WAYS.filter(({ source, target }) => source === 'STRING' && target in PARSED);

describe('a value arrives as PostgreSQL itself reads its text, or both refuse it', () => {
  test.each(READ_ALIKE.map((way) => [way.source, way.target, way.format, way] as const))(
    '%s in %s by COPY %s',
    async (source, target, format, way) => {
      const texts = textsOf(source);
      const expression = way.expression('`x`', 'x');
      const literals = texts.map((text) => literalOf(source, text));
      const outcomes = await agreed(expression, literals);
      const values = outcomes.map((outcome, at) => {
        if ('refused' in outcome) throw new Error(`${literals[at]}: ${outcome.refused}`);
        return outcome.value;
      });
      const found = await arrivals(
        session,
        { format, encoding: way.encoding, type: target },
        values,
      );
      const sql = expectedSql(source, target);
      if (sql === undefined) return;
      const expected = await readByPostgres(
        sql,
        texts.map((text) => postgresText(source, target, text)),
      );
      expect(named(texts, found)).toEqual(named(texts, expected));
    },
  );
});

/** Asserts that each error names the column and the text, with a condition that finds it. */
async function assertFound(
  type: ParsedType,
  refused: readonly { readonly text: string; readonly told: string }[],
): Promise<void> {
  for (const { text, told } of refused)
    expect(told).toContain(`column \`x\`: "${text}" is not ${type}`);
  const [, where = 'no condition'] =
    /; find it with WHERE (.*)$/s.exec(refused[0]?.told ?? '') ?? [];
  const outcomes = await inUtc(
    where,
    refused.map(({ text }) => quote(text)),
  );
  expect(outcomes).toEqual(refused.map(() => ({ value: true })));
}

describe('a text that both BigQuery and PostgreSQL read has one meaning', () => {
  test.each(PARSED_WAYS.map((way) => [way.target, way.format, way] as const))(
    'STRING in %s by COPY %s',
    async (target, format, way) => {
      const type = PARSED[target] as ParsedType;
      const texts = [...TEXTS[type], ...fc.sample(nearMisses(type), 4 * RANDOM_VALUES)];
      const outcomes = await agreed(way.expression('`x`', 'x'), texts.map(quote));
      const refused: { text: string; told: string }[] = [];
      const read = texts.flatMap((text, at) => {
        const outcome = outcomes[at] as Outcome;
        if ('value' in outcome) return [{ text, value: outcome.value }];
        refused.push({ text, told: outcome.refused });
        return [];
      });
      await assertFound(type, refused);
      const found = await arrivals(
        session,
        { format, encoding: way.encoding, type: target },
        read.map(({ value }) => value),
      );
      const expected = await readByPostgres(
        `$1::${target}`,
        read.map(({ text }) => text),
      );
      const both = read.flatMap(({ text }, at) =>
        expected[at] === 'refused' || found[at] === 'refused'
          ? []
          : [[`${text}: ${found[at]}`, `${text}: ${expected[at]}`] as const],
      );
      expect(both.length).toBeGreaterThan(TEXTS[type].length / 10);
      expect(both.map(([one]) => one)).toEqual(both.map(([, other]) => other));
    },
  );
});
