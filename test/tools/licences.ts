import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '../..');

/** The folders of the packages that `inputs`, paths of a bundle, come from. */
export function packagesOf(inputs: readonly string[]): readonly string[] {
  const folders = inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

/** Name, version and licence of each package of a bundle, with the text as the package brings it. */
export function thirdPartyLicences(inputs: readonly string[]): string {
  const sections = packagesOf(inputs).map((folder) => {
    const path = join(ROOT, folder);
    const manifest = readFileSync(join(path, 'package.json'), 'utf8');
    const { name, version, license, author } = JSON.parse(manifest);
    if (license === undefined) throw new Error(`${name} has no licence`);
    const files = readdirSync(path).filter((file) => /^(licen[sc]e|copying|notice)/i.test(file));
    const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim());
    const by = typeof author === 'string' ? author : author?.name;
    const title = `${name} ${version} (${license})${by === undefined ? '' : `, ${by}`}`;
    return [title, ...texts].join('\n\n');
  });
  return `${sections.join(`\n\n${'-'.repeat(78)}\n\n`)}\n`;
}
