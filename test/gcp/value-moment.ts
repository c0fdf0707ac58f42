import { dateText, datetimeText, splitMicros, timeText } from './calendar.ts';

/** A text of a date or time in BigQuery's canonical form; undefined where BigQuery reads none. */
type Read = (text: string) => string | undefined;

const DATE = String.raw`(\d{4}-\d{1,2}-\d{1,2})`;
const TIME = String.raw`(\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{1,6})?)`;
const OFFSET = String.raw`([+-]\d{1,2}(?::?\d{1,2})?)`;
/** A zone has its name in the case of the tz database, a UTC may have an offset. */
const ZONE = String.raw`((?:UTC|GMT|UCT|Zulu|EST|MST|HST|\w{3}\d\w{3}|[A-Z]\w+(?:/[A-Z][\w+-]*)+)|UTC[+-][\d:]+)`;
const DATES = new RegExp(`^${DATE}$`);
const TIMES = new RegExp(`^${TIME}$`);
const DATETIMES = new RegExp(`^${DATE}(?:[ Tt]${TIME})?$`);
/** A year may have a fifth digit, a zero. */
const TIMESTAMPS = new RegExp(
  `^0?${DATE}(?:[ Tt](?:${TIME}(?:[Zz]|${OFFSET}| ${ZONE})?|${OFFSET}))?$`,
);

/** The tz database's spellings of zones, by their lower case. */
const SPELLINGS = new Map(
  Intl.supportedValuesOf('timeZone').map((zone) => [zone.toLowerCase(), zone]),
);
const isSpelledRight = (zone: string) => (SPELLINGS.get(zone.toLowerCase()) ?? zone) === zone;

const DAY_MICROS = 86_400_000_000n;
const FIRST_MICROS = BigInt(Date.parse('0001-01-01T00:00:00Z')) * 1000n;
const END_MICROS = BigInt(Date.parse('+010000-01-01T00:00:00Z')) * 1000n;

/** Days since 1970; undefined for a day that the calendar does not have. */
function daysOf(text: string): number | undefined {
  const [year, month = '', day = ''] = text.split('-');
  const iso = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const days = Date.parse(`${iso}T00:00:00Z`) / 86_400_000;
  return year !== '0000' && !Number.isNaN(days) && dateText(days) === iso ? days : undefined;
}

/** Microseconds since midnight; second 60 is the next minute's first. */
function microsOf(text: string): bigint | undefined {
  const [clock = '', fraction = ''] = text.split('.');
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number);
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const whole = BigInt((hours * 60 + minutes) * 60 + seconds) * 1_000_000n;
  return whole + BigInt(fraction.padEnd(6, '0'));
}

/** TIME and DATETIME lose the fraction of second 60, TIMESTAMP does not. */
const withoutLeapFraction = (time: string) => time.replace(/:60\..*/, ':60');

/** Microseconds since 1970 of a date and a time of day, if there are such, in the years 1 to 9999. */
function civilMicros(date: string | undefined, time = '00:00:00', offset = 0n): bigint | undefined {
  const days = date === undefined ? undefined : daysOf(date);
  const micros = microsOf(time);
  if (days === undefined || micros === undefined) return undefined;
  const sum = BigInt(days) * DAY_MICROS + micros - offset;
  return sum >= FIRST_MICROS && sum < END_MICROS ? sum : undefined;
}

export const readDate: Read = (text) => {
  const [, date] = DATES.exec(text) ?? [];
  const micros = civilMicros(date);
  return micros === undefined ? undefined : datetimeText(micros).slice(0, 10);
};

export const readTime: Read = (text) => {
  const [, time] = TIMES.exec(text) ?? [];
  const micros = time === undefined ? undefined : microsOf(withoutLeapFraction(time));
  return micros === undefined ? undefined : timeText(splitMicros(micros).micros);
};

export const readDatetime: Read = (text) => {
  const [, date, time] = DATETIMES.exec(text) ?? [];
  const micros = civilMicros(date, time && withoutLeapFraction(time));
  return micros === undefined ? undefined : datetimeText(micros);
};

export const readTimestamp: Read = (text) => {
  const [, date, time, after, zone, alone] = TIMESTAMPS.exec(text) ?? [];
  if (zone !== undefined && !isSpelledRight(zone)) return undefined;
  const utcOffset = zone?.startsWith('UTC') ? zone.slice(3) : undefined;
  const offset = offsetMicros((after ?? alone ?? utcOffset) || '+0');
  const micros = offset === undefined ? undefined : civilMicros(date, time, offset);
  if (micros === undefined) return undefined;
  const named = zone === undefined || utcOffset !== undefined ? '+00' : ` ${zone}`;
  return datetimeText(micros) + named;
};

function offsetMicros(text: string): bigint | undefined {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{1,2}):?(\d{1,2})?$/.exec(text) ?? [];
  const all = Number(hours) * 60 + Number(minutes);
  if (hours === undefined || Number(minutes) > 59 || all > 14 * 60) return undefined;
  return BigInt(sign === '-' ? -all : all) * 60_000_000n;
}
