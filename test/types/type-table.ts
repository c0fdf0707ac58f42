import { ARRAY_AS_JSON, CONVERSIONS } from '../../src/types/conversions.ts';
import { SOURCE_TYPES } from '../../src/types/source.ts';

/** SQL names of types that the catalog names otherwise. */
const NAMES: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  bpchar: 'char(n)',
  varchar: 'varchar(n)',
  bool: 'boolean',
};

/** What goes into what, as the README shows it: Markdown, one line a BigQuery type. */
export function typeTable(): string {
  const rows = [
    ...SOURCE_TYPES.map((type) => [type, CONVERSIONS[type]] as const),
    [
      'ARRAY of any type but STRUCT',
      { 'an array of what its element goes into': undefined, ...ARRAY_AS_JSON },
    ] as const,
    ['ARRAY of STRUCT', ARRAY_AS_JSON] as const,
  ];
  const lines = rows.map(([type, targets]) => {
    const names = (format: string) =>
      Object.entries(targets)
        .filter(([, conversion]) => (conversion?.format ?? 'binary') === format)
        .map(([name]) => NAMES[name] ?? name)
        .join(', ');
    return `| ${type} | ${names('binary') || '–'} | ${names('text') || '–'} |`;
  });
  return [
    '| BigQuery | goes into, as COPY binary | as COPY text |',
    '|---|---|---|',
    ...lines,
  ].join('\n');
}
