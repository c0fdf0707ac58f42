const styled = process.stdout.isTTY === true && !process.env['NO_COLOR'];

function style(code: number, text: string): string {
  return styled ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** Columns that output may take: those of the terminal, 100 where there is none. */
export function outputColumns(): number {
  return process.stdout.columns ?? 100;
}

let steps = 0;

/** A numbered heading. */
export function heading(text: string): void {
  steps += 1;
  print(`\n${style(1, `${steps}. ${text}`)}`);
}

/** A remark of the demo itself, to be told apart from what the programs print. */
export function remark(text: string): void {
  print(style(2, text));
}

/** A command as it would be typed. */
export function command(text: string): void {
  print(style(36, text));
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
