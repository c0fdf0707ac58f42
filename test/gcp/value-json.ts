/** JSON as BigQuery keeps it (recorded from ZetaSQL): members sorted by name, numbers in one form. */
export function canonicalJson(text: string): string {
  return write(JSON.parse(text, numberAsWritten));
}

/** A number's own text, which JavaScript's value may have lost. */
class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function numberAsWritten(
  _: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  return typeof value === 'number' ? new JsonNumber(numberText(context?.source ?? '')) : value;
}

function write(value: unknown): string {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  );
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${write(each)}`).join(',')}}`;
}

/** Whole numbers of 64 bits keep all digits; others are the shortest text of the nearest double. */
function numberText(source: string): string {
  if (/^-?\d+$/.test(source)) {
    const whole = BigInt(source);
    if (whole >= -(2n ** 63n) && whole < 2n ** 64n) return String(whole);
  }
  const value = Number(source);
  if (value === 0) return source.startsWith('-') ? '-0.0' : '0.0';
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 15)
    return Number.isInteger(value) ? `${value}.0` : String(value);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
