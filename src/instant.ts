/**
 * Instants as text: `YYYY-MM-DD HH:MM:SS.ffffff`, UTC, always with six digits. Such texts sort as
 * the instants do, lose no microsecond, and go into SQL of both sides as they are.
 */
export type Instant = string;

const MICROS_PER_MILLI = 1000n;
const MILLIS_OF_2000 = 946_684_800_000n;

/** The instant that is `micros` microseconds after 1970-01-01, UTC; years 1 to 9999. */
export function instantOfUnixMicros(micros: bigint): Instant {
  const rest = ((micros % MICROS_PER_MILLI) + MICROS_PER_MILLI) % MICROS_PER_MILLI;
  const millis = (micros - rest) / MICROS_PER_MILLI;
  const iso = new Date(Number(millis)).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(rest).padStart(3, '0')}`;
}

/** The instant that is `micros` microseconds after 2000-01-01, Postgres's binary form. */
export function instantOfPostgresMicros(micros: bigint): Instant {
  return instantOfUnixMicros(micros + MILLIS_OF_2000 * MICROS_PER_MILLI);
}

/** The next microsecond. */
export function nextMicrosecond(instant: Instant): Instant {
  const millis = BigInt(Date.parse(`${instant.slice(0, 10)}T${instant.slice(11, 23)}Z`));
  return instantOfUnixMicros(millis * MICROS_PER_MILLI + BigInt(instant.slice(23)) + 1n);
}

/** The later of two; undefined counts as before everything. */
export function laterInstant(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
