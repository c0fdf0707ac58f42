import { type Cursor, readLength } from './cursor.ts';
import { InvalidValueError } from './row-error.ts';

/** The three parts that Postgres keeps of an interval. */
export interface IntervalParts {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}

/** GoogleSQL's canonical form: `[-]Y-M [-]D [-]H:M:S[.F]`, each sign for its own part. */
const INTERVAL =
  /^(-?)(\d{1,5})-(\d{1,2}) (-?\d{1,9}) (-?)(\d{1,10}):(\d+):(\d+)(?:\.(\d{1,6})0*)?$/;

/** Reads an interval as BigQuery casts it to STRING. Throws InvalidValueError for anything else. */
function readInterval(c: Cursor): IntervalParts {
  const text = readAscii(c);
  const [, ym = '', years, months, days, hms = '', hours, minutes, seconds, fraction = ''] =
    INTERVAL.exec(text) ?? [];
  if (years === undefined) throw new InvalidValueError('not an interval', text);
  const clock = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return {
    months: Number(ym + String(Number(years) * 12 + Number(months))),
    days: Number(days),
    micros: BigInt(hms + String(clock) + fraction.padEnd(6, '0')),
  };
}

/** interval_recv: microseconds, days, months. */
export function writeInterval(c: Cursor): void {
  const { months, days, micros } = readInterval(c);
  c.outView.setInt32(c.at, 16);
  c.outView.setBigInt64(c.at + 4, micros);
  c.outView.setInt32(c.at + 12, days);
  c.outView.setInt32(c.at + 16, months);
  c.at += 20;
}

/** In ISO 8601 with designators: unlike other forms, it means the same under every IntervalStyle. */
export function intervalText(c: Cursor): string {
  const { months, days, micros } = readInterval(c);
  const sign = micros < 0n ? '-' : '';
  const size = micros < 0n ? -micros : micros;
  const minutes = size / 60_000_000n;
  const rest = String(size % 60_000_000n).padStart(7, '0');
  const seconds = `${rest.slice(0, -6)}.${rest.slice(-6)}`;
  return `P${months}M${days}DT${sign}${minutes / 60n}H${sign}${minutes % 60n}M${sign}${seconds}S`;
}

const MONEY = /^(-?)(\d{1,18})(?:\.(\d{1,2})0*)?$/;
const MAX_MONEY = 2n ** 63n - 1n;

/** Hundredths, as cash_recv reads them where lc_monetary has two digits. */
function readMoney(c: Cursor): bigint {
  const text = readAscii(c);
  const [, sign = '', whole, fraction = ''] = MONEY.exec(text) ?? [];
  if (whole === undefined)
    throw new InvalidValueError('money has two digits behind the point', text);
  const hundredths = BigInt(sign + whole + fraction.padEnd(2, '0'));
  if (hundredths <= MAX_MONEY && hundredths >= -MAX_MONEY) return hundredths;
  throw new InvalidValueError('money out of range', text);
}

export function writeMoney(c: Cursor): void {
  const hundredths = readMoney(c);
  c.outView.setInt32(c.at, 8);
  c.outView.setBigInt64(c.at + 4, hundredths);
  c.at += 12;
}

export function moneyText(c: Cursor): string {
  const hundredths = readMoney(c);
  const digits = String(hundredths < 0n ? -hundredths : hundredths).padStart(3, '0');
  return `${hundredths < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function readAscii(c: Cursor): string {
  const length = readLength(c);
  const text = Buffer.from(c.bytes.buffer, c.bytes.byteOffset + c.pos, length).toString();
  c.pos += length;
  return text;
}
