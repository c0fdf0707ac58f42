/**
 * How values come back: dates, timestamps, int8 and numeric as the text that the server sends, for
 * a Date has no microseconds and a number no 19th digit. (postgres.js leaves int8 and numeric as
 * text by itself.)
 */
export const TEXT_TYPES = {
  date: {
    to: 1184,
    from: [1082, 1114, 1184],
    serialize: (value: unknown) => (value instanceof Date ? value.toISOString() : String(value)),
    parse: (text: string) => text,
  },
};
