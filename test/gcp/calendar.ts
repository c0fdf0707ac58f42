/** Dates and times as BigQuery prints them. Days and microseconds count from 1970-01-01 UTC. */

const DAY_MICROS = 86_400_000_000n;

/** `2024-01-31`; years 1 to 9999 have four digits. */
export function dateText(days: number): string {
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}

/** `12:34:56`, with 3 or 6 digits of a second where there are any (documentation: "CAST AS STRING"). */
export function timeText(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n);
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(twoDigits).join(':');
  return clock + fractionText(Number(micros % 1_000_000n));
}

/** Date and time of day of a number of microseconds. */
export function splitMicros(micros: bigint): { readonly days: number; readonly micros: bigint } {
  const rest = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
  return { days: Number((micros - rest) / DAY_MICROS), micros: rest };
}

/** `2024-01-31 12:34:56.789`, with the separator of the caller's choice. */
export function datetimeText(micros: bigint, separator: ' ' | 'T' = ' '): string {
  const parts = splitMicros(micros);
  return `${dateText(parts.days)}${separator}${timeText(parts.micros)}`;
}

function fractionText(micros: number): string {
  if (micros === 0) return '';
  const digits = String(micros).padStart(6, '0');
  return `.${digits.endsWith('000') ? digits.slice(0, 3) : digits}`;
}

function twoDigits(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

/** What a format element stands for (documentation: "Format elements for date and time parts"). */
type Element = (moment: { readonly days: number; readonly micros: bigint }) => string;

const MONTHS =
  'January February March April May June July August September October November December'.split(
    ' ',
  );
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

function clock(micros: bigint): { hour: number; minute: number; second: number; fraction: number } {
  const seconds = Number(micros / 1_000_000n);
  return {
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    fraction: Number(micros % 1_000_000n),
  };
}

const fractionDigits = (micros: bigint): string =>
  String(Number(micros % 1_000_000n)).padStart(6, '0');

const ELEMENTS: Readonly<Record<string, Element>> = {
  Y: ({ days }) => dateText(days).slice(0, 4).replace(/^0+/, ''),
  E4Y: ({ days }) => dateText(days).slice(0, 4),
  m: ({ days }) => dateText(days).slice(5, 7),
  d: ({ days }) => dateText(days).slice(8, 10),
  e: ({ days }) => dateText(days).slice(8, 10).replace(/^0/, ' '),
  F: ({ days }) => dateText(days),
  H: ({ micros }) => twoDigits(clock(micros).hour),
  I: ({ micros }) => twoDigits(((clock(micros).hour + 11) % 12) + 1),
  p: ({ micros }) => (clock(micros).hour < 12 ? 'AM' : 'PM'),
  M: ({ micros }) => twoDigits(clock(micros).minute),
  S: ({ micros }) => twoDigits(clock(micros).second),
  T: ({ micros }) => timeText(micros).slice(0, 8),
  R: ({ micros }) => timeText(micros).slice(0, 5),
  E0S: ({ micros }) => twoDigits(clock(micros).second),
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6].map((digits): [string, Element] => [
      `E${digits}S`,
      ({ micros }) =>
        `${twoDigits(clock(micros).second)}.${fractionDigits(micros).slice(0, digits)}`,
    ]),
  ),
  'E*S': ({ micros }) => {
    const fraction = fractionDigits(micros).replace(/0+$/, '');
    return twoDigits(clock(micros).second) + (fraction === '' ? '' : `.${fraction}`);
  },
  j: ({ days }) => {
    const newYear = Date.parse(`${dateText(days).slice(0, 4)}-01-01T00:00:00Z`) / 86_400_000;
    return String(days - newYear + 1).padStart(3, '0');
  },
  B: ({ days }) => MONTHS[Number(dateText(days).slice(5, 7)) - 1] ?? '',
  b: ({ days }) => (MONTHS[Number(dateText(days).slice(5, 7)) - 1] ?? '').slice(0, 3),
  A: ({ days }) => WEEKDAYS[weekday(days)] ?? '',
  a: ({ days }) => (WEEKDAYS[weekday(days)] ?? '').slice(0, 3),
  u: ({ days }) => String(weekday(days) || 7),
  w: ({ days }) => String(weekday(days)),
  s: ({ days, micros }) => String(days * 86_400 + Number(micros / 1_000_000n)),
  Ez: () => '+00:00',
  z: () => '+0000',
  Z: () => 'UTC',
  '%': () => '%',
};

function weekday(days: number): number {
  return (((days + 4) % 7) + 7) % 7;
}

/** Formats a moment in UTC; an element that is not known here is an error, rather than wrong text. */
export function formatMoment(format: string, days: number, micros: bigint): string {
  return format.replace(/%(E4Y|E[\d*]S|Ez|.)/gs, (_, name: string) => {
    const element = ELEMENTS[name];
    if (element === undefined) throw new Error(`the stand-in has no format element %${name}`);
    return element({ days, micros });
  });
}
