import { join } from 'node:path';
import { typeTable } from '../plan/type-table.ts';

const PATH = join(import.meta.dir, '../../README.md');

/** The README with its generated parts as the code says they are. */
export async function freshReadme(): Promise<string> {
  const text = await Bun.file(PATH).text();
  const generated = `<!-- types -->\n${typeTable()}\n<!-- /types -->`;
  return text.replace(/<!-- types -->[\s\S]*<!-- \/types -->/, () => generated);
}

if (import.meta.main) await Bun.write(PATH, await freshReadme());
