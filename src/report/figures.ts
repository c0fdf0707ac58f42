/** `1,234,567`. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** A count with its unit, which is given in the plural: `1 row`, `1,234 rows`, `42 %`. */
export function amountText(count: number, unit: string): string {
  return `${countText(count)} ${unitFor(count, unit)}`;
}

/** The unit, given in the plural, as it stands after `count`. */
export function unitFor(count: number, unit: string): string {
  return Math.round(count) === 1 ? unit.replace(/s$/, '') : unit;
}

/** Three digits at most, for narrow places: `999`, `1.2k`, `3.0M`, `12M`. */
export function shortCountText(count: number): string {
  return scaled(count, 1000, ['', 'k', 'M', 'G', 'T']);
}

/** Decimal units, as disks and clouds count: `211 MB`. */
export function bytesText(bytes: number): string {
  return scaled(bytes, 1000, [' B', ' kB', ' MB', ' GB', ' TB', ' PB']);
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let scaledValue = value;
  let unit = 0;
  // 999.5 would be rounded to 1000, so it goes up a unit as well.
  while (scaledValue >= step - 0.5 && unit < units.length - 1) {
    scaledValue /= step;
    unit++;
  }
  const digits = unit > 0 && scaledValue < 9.95 ? 1 : 0;
  return `${scaledValue.toFixed(digits)}${units[unit]}`;
}

/** `0.2 s`, `42 s`, `3 min 5 s`, `2 h 7 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
