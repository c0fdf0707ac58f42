import { type Convert, chain } from './expressions.ts';

/** Microseconds from 1970-01-01 to 2000-01-01, where Postgres's binary timestamps begin. */
const EPOCH_MICROSECONDS = 946_684_800_000_000;
const EPOCH_DAYS = 10_957;

/** A DATE as days: Postgres's binary form. */
export const daysSince2000: Convert = (x) => `UNIX_DATE(${x}) - ${EPOCH_DAYS}`;
/** A TIMESTAMP as microseconds since 2000-01-01: Postgres's binary form. */
export const timestampMicros: Convert = (x) => `UNIX_MICROS(${x}) - ${EPOCH_MICROSECONDS}`;
/** A TIME as microseconds since midnight. */
export const timeMicros: Convert = (x) => `TIME_DIFF(${x}, TIME '00:00:00', MICROSECOND)`;

/** A DATE or DATETIME as the instant in UTC, whatever time zone the project has as its default. */
const asUtc: Convert = (x) => `TIMESTAMP(${x}, 'UTC')`;
/** A DATE or DATETIME as microseconds since 2000-01-01, read in UTC. */
export const civilMicros: Convert = chain(asUtc, timestampMicros);

/** A TIMESTAMP as a DATETIME in UTC; UNIX_MICROS drops what is finer than a microsecond. */
export const utcDatetime: Convert = (x) => `DATETIME(TIMESTAMP_MICROS(UNIX_MICROS(${x})), 'UTC')`;

/** A TIMESTAMP as text with the offset of UTC: by CAST the project's default time zone would decide. */
export const utcText: Convert = (x) => `STRING(${x}, 'UTC')`;

/** Text for timestamptz, cut to microseconds, which PostgreSQL would round. */
export const instantText: Convert = (x) => `STRING(TIMESTAMP_MICROS(UNIX_MICROS(${x})), 'UTC')`;
/** A DATE or DATETIME as text with the offset of UTC, for timestamptz. */
export const civilInstantText: Convert = (x) => `CONCAT(CAST(DATETIME(${x}) AS STRING), '+00')`;
