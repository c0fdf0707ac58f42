import { basename, dirname, join } from 'node:path';
import { Glob } from 'bun';

/**
 * The folders of `src` from the top down. A file may import from its own folder and from those below;
 * the loose files of `src` lie below all of them.
 */
export const FOLDERS = [
  'run',
  'cli',
  'load',
  'plan',
  'state',
  'copy',
  'avro',
  'swap',
  'google',
  'postgres',
  'report',
] as const;

/**
 * What breaks the layout of `root/src`, one line each: an import that points upwards, a folder without
 * a place in the order, a file name that occurs twice. Cycles within a folder are found by Biome.
 */
export async function layoutFaults(root: string): Promise<readonly string[]> {
  const files = [...new Glob('src/**/*.ts').scanSync({ cwd: root })].sort();
  const perFile = files.map(async (file) => [
    ...(depth(file) < 0 ? [`${file} lies in a folder that is not in FOLDERS`] : []),
    ...(await importsOf(root, file))
      .filter((imported) => depth(imported) < depth(file))
      .map((imported) => `${file} imports ${imported}, which lies above it`),
  ]);
  return [...(await Promise.all(perFile)).flat(), ...sharedNames(files)];
}

/** 0 at the top; -1 for a folder that is not known. */
function depth(file: string): number {
  const [, folder = '', ...rest] = file.split('/');
  return rest.length === 0 ? FOLDERS.length : (FOLDERS as readonly string[]).indexOf(folder);
}

/** Files of `src` that `file` imports, types included. */
async function importsOf(root: string, file: string): Promise<readonly string[]> {
  const text = await Bun.file(join(root, file)).text();
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)'(\.[^']+)'/g)]
    .map(([, path = '']) => join(dirname(file), path))
    .filter((path) => path.startsWith('src/'));
}

function sharedNames(files: readonly string[]): readonly string[] {
  return [...Map.groupBy(files, (file) => basename(file)).values()]
    .filter((sharing) => sharing.length > 1)
    .map((sharing) => `${sharing.join(' and ')} share a name`);
}

if (import.meta.main) {
  const faults = await layoutFaults(join(import.meta.dir, '../..'));
  for (const fault of faults) console.error(fault);
  process.exit(faults.length > 0 ? 1 : 0);
}
