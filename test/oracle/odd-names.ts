/**
 * Names of columns and tables that a statement could take for something else: reserved words, names of
 * functions, types and aliases that statements use themselves, and characters that mean something.
 */
export const ODD_NAMES: readonly string[] = [
  ...'ALL AND ANY ARRAY AS ASC AT BETWEEN BY CASE CAST CROSS CURRENT DEFAULT DISTINCT ELSE END'.split(
    ' ',
  ),
  ...'ESCAPE EXCEPT EXISTS EXTRACT FALSE FOR FROM FULL GROUP HASH HAVING IF IN INTERVAL INTO IS'.split(
    ' ',
  ),
  ...'JOIN LIKE LIMIT NEW NO NOT NULL ON OR ORDER OUTER OVER PARTITION QUALIFY RANGE ROLLUP ROWS'.split(
    ' ',
  ),
  ...'SELECT SET SOME STRUCT THEN TO TRUE UNION UNNEST USING WHEN WHERE WINDOW WITH WITHIN'.split(
    ' ',
  ),
  ...'count max offset position element position_ element_ e t t_ c0 c1 x at rows_left_out'.split(
    ' ',
  ),
  ...'timestamp date time datetime string int64 safe utc row_number table source target'.split(' '),
  ...[
    "it's",
    'a b',
    'größe',
    '名前',
    '9 lives',
    'a&b%c=d+e:f<g>h#i|j',
    'n-1',
    '-',
    '_',
    'İ',
    'ñ',
    'b|c',
    '#',
  ],
  ...['x'.repeat(300), 'é'.repeat(100), '--', 'CamelCase', 'a  b', ' lead', "''", '<b>', '+1'],
];
