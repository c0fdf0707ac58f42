import { SOURCE_TYPES } from '../../src/google/source-columns.ts';
import { ARRAY_AS_JSON, ARRAY_AS_VECTOR, CONVERSIONS } from '../../src/plan/conversions.ts';

/** SQL names of types that the catalog names otherwise. */
const NAMES: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  bool: 'boolean',
};

/** Types that hold any text: named once below the table, as nearly everything goes into them. */
const TEXTS = ['text', 'varchar', 'bpchar', 'citext', 'name'];
const ANY_TEXT = '*any text*';

/** BigQuery types that go into the same targets share a line. */
function lines(): readonly (readonly [string, string, string])[] {
  const told = new Map<string, string[]>();
  for (const type of SOURCE_TYPES) {
    const key = JSON.stringify([names(type, 'binary'), names(type, 'text')]);
    told.set(key, [...(told.get(key) ?? []), type]);
  }
  return [...told].map(([key, types]) => {
    const [binary, text] = JSON.parse(key) as [string, string];
    return [types.join(', '), binary, text];
  });
}

function names(type: keyof typeof CONVERSIONS, format: string): string {
  return list(
    Object.entries(CONVERSIONS[type])
      .filter(([, conversion]) => conversion.format === format)
      .map(([name]) => name),
  );
}

function list(targets: readonly string[]): string {
  const own = targets.filter((name) => !TEXTS.includes(name)).map((name) => NAMES[name] ?? name);
  const all = TEXTS.every((name) => targets.includes(name)) ? [...own, ANY_TEXT] : own;
  return all.join(', ') || '–';
}

/** What goes into what, as the reference shows it: Markdown. */
export function typeTable(): string {
  const json = list(Object.keys(ARRAY_AS_JSON));
  const numbers = Object.keys(ARRAY_AS_VECTOR).join(', ');
  const vectors = list(Object.keys(ARRAY_AS_VECTOR.FLOAT64 ?? {}));
  const rows = [
    ...lines(),
    [`ARRAY of ${numbers}`, `${vectors} (pgvector), or as the next line says`, '–'] as const,
    ['ARRAY', `an array of what its element goes into, or ${json}`, 'likewise'] as const,
  ];
  return [
    '| BigQuery | goes into, as COPY binary | as COPY text |',
    '|---|---|---|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    `${ANY_TEXT}: text, varchar(n), char(n), citext, name.`,
  ].join('\n');
}
