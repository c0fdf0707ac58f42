import { beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { ENCODINGS } from '../../src/copy/encodings.ts';
import type { Column } from '../../src/plan/export-column.ts';
import { eachElement } from '../../src/plan/expressions.ts';
import { condition } from '../../src/run/row-errors/row-query.ts';
import { type EvaluatedType, HARD_VALUES, literalOf } from './hard-values.ts';
import type { Value } from './value-proto.ts';
import { WAYS, type Way } from './ways.ts';
import { openZetaSql, type ZetaSql } from './zetasql.ts';

setDefaultTimeout(600_000);

let zetaSql: ZetaSql;
beforeAll(async () => {
  zetaSql = await openZetaSql();
});

/** A column named like the alias that a condition on elements has. */
const NAME = 'e';

function columnOf(way: Way, array: boolean): Column {
  const expression = array
    ? eachElement(`\`${NAME}\``, way.expression, NAME)
    : way.expression(`\`${NAME}\``, NAME);
  return {
    ...{ alias: 'c0', source: NAME, sourceType: way.source, expression, target: NAME },
    ...{ targetType: way.target, notNull: false, encoding: way.encoding, array, elementOid: 0 },
    ...{ maxChars: undefined, watermark: false, leftOut: false, emit: true },
  };
}

/** A value of the export as the reader of rows writes it into a message. */
function shown(value: Value): string {
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Values of the type that the way converts: of STRINGs that are to be parsed, those that can be. */
function literalsOf(way: Way): readonly string[] {
  const literals = HARD_VALUES[way.source].map((text) => literalOf(way.source, text));
  if (way.source !== 'STRING' || ENCODINGS[way.encoding].avro === 'string') return literals;
  return [PARSABLE[way.target] ?? "'1'"];
}

const PARSABLE: Readonly<Record<string, string>> = {
  bool: `'true'`,
  date: `'2024-01-31'`,
  time: `'10:00:00'`,
  timestamp: `'2024-01-31'`,
  timestamptz: `'2024-01-31 10:00:00'`,
};

const isParsedText = ({ source, target, format }: Way) =>
  source === 'STRING' && format === 'text' && target in PARSABLE;

describe('the condition of an error finds the row', () => {
  test.each(
    WAYS.filter((way) => !isParsedText(way)).map(
      (way) => [way.source, way.target, way.format, way] as const,
    ),
  )('of %s in %s by COPY %s', (source, _target, _format, way) => {
    const [one, many] = [columnOf(way, false), columnOf(way, true)];
    for (const literal of literalsOf(way)) {
      const [[value = null] = []] = zetaSql.query(
        `SELECT ${one.expression} FROM (SELECT ${literal} AS ${NAME})`,
      );
      const finds = (conditionSql: string, from: string) =>
        zetaSql.query(`SELECT ${conditionSql} FROM (SELECT ${from} AS ${NAME})`)[0]?.[0];
      expect([literal, finds(condition(one, shown(value), false), literal)]).toEqual([
        literal,
        true,
      ]);
      const array = `[${nullOf(source)}, ${literal}]`;
      if (source !== 'STRUCT') {
        const found = finds(condition(many, [shown(value)], false), array);
        expect([array, found]).toEqual([array, true]);
      }
    }
    expect(finds0(zetaSql, condition(one, undefined, true), nullOf(source))).toBe(true);
  });
});

test('the condition of an error finds an array that is no vector', () => {
  const way = WAYS.find(({ source, target }) => source === 'FLOAT64' && target === 'float8') as Way;
  const vector = { type: 'vector', dimensions: 3 } as const;
  const column = { ...columnOf(way, true), vector };
  for (const [array, fault, isNull] of [
    ['[1.0, 2.0]', { elements: 2 }, false],
    ['[1.0, NULL, 2.0]', { elements: 'NULL' }, false],
    ["[1.0, CAST('NaN' AS FLOAT64), 2.0]", ['NaN'], false],
    ["[1.0, CAST('-inf' AS FLOAT64), 2.0]", ['-Infinity'], false],
    ['[1.0, 1e39, 2.0]', ['1e+39'], false],
    ['CAST([] AS ARRAY<FLOAT64>)', undefined, true],
    ['CAST(NULL AS ARRAY<FLOAT64>)', undefined, true],
  ] as const) {
    const sql = condition(column, fault, isNull);
    expect([array, finds0(zetaSql, sql, array)]).toEqual([array, true]);
    expect([array, finds0(zetaSql, sql, '[1.0, 2.0, 3.0]')]).toEqual([array, false]);
  }
});

function finds0(service: ZetaSql, conditionSql: string, from: string): Value | undefined {
  return service.query(`SELECT ${conditionSql} FROM (SELECT ${from} AS ${NAME})`)[0]?.[0];
}

function nullOf(source: EvaluatedType): string {
  return source === 'STRUCT'
    ? 'CAST(NULL AS STRUCT<a INT64, `b c` STRING, t TIMESTAMP, n ARRAY<INT64>>)'
    : `CAST(NULL AS ${source})`;
}
