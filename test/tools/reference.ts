import { join } from 'node:path';
import { FLAGS } from '../../src/cli/flags.ts';
import { ERROR_CODES } from '../../src/error-codes.ts';
import { EXIT_CODES } from '../../src/errors.ts';
import { PARAMETERS } from '../../src/postgres/connection/parameters.ts';
import { typeTable } from '../plan/type-table.ts';

export const REFERENCE = join(import.meta.dir, '../../postgres/reference.md');

/** The generated parts of the reference, by the name of their marks: Markdown. */
const PARTS: Readonly<Record<string, () => string>> = {
  flags: flagTable,
  'exit codes': exitCodeTable,
  types: typeTable,
  'error codes': errorCodeTable,
  environment: environmentTable,
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function flagTable(): string {
  const rows = Object.entries(FLAGS).map(([name, { valueHint, description, example }]) => [
    `\`--${name} ${valueHint}\``,
    description,
    `\`${example}\``,
  ]);
  return table(['flag', 'meaning', 'example'], rows);
}

function exitCodeTable(): string {
  return table(['code', 'meaning'], Object.entries(EXIT_CODES));
}

function errorCodeTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, [meaning, remedy]]) => [
    `\`${code}\``,
    meaning,
    remedy,
  ]);
  return table(['code', 'what happened', 'what to do'], rows);
}

function environmentTable(): string {
  const rows = Object.entries(PARAMETERS).map(([name, { env, values, refused }]) => [
    `\`${name}\``,
    env === undefined ? '' : `\`${env}\``,
    values?.join(', ') ?? 'any',
    refused ?? '',
  ]);
  return table(['parameter', 'variable', 'values', 'why no others'], rows);
}

/** The reference with its generated parts as the code says they are. */
export async function freshReference(): Promise<string> {
  let text = await Bun.file(REFERENCE).text();
  for (const [name, part] of Object.entries(PARTS)) {
    const marked = new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`);
    if (!marked.test(text)) throw new Error(`the reference has no marks for its ${name}`);
    text = text.replace(marked, () => `<!-- ${name} -->\n${part()}\n<!-- /${name} -->`);
  }
  return text;
}

if (import.meta.main) await Bun.write(REFERENCE, await freshReference());
