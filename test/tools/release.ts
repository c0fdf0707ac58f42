/** `bun test/tools/release.ts v1.2.3` makes all files of a release in dist/release, and its notes. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../../package.json';
import { build, writeChecksum } from './build.ts';

const ROOT = join(import.meta.dir, '../..');
const ARCHITECTURES = ['x64', 'arm64'] as const;

/**
 * The section of `changelog` on the version that `tag` names, without its heading. Throws where the tag
 * is not `v` and the version of package.json, or where the section is missing or has no date yet.
 */
export function releaseNotes(tag: string, packageVersion: string, changelog: string): string {
  if (tag !== `v${packageVersion}`)
    throw new Error(`the tag is ${tag}, and package.json has version ${packageVersion}`);
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((each) => each.startsWith(`${packageVersion} `));
  if (section === undefined) throw new Error(`CHANGELOG.md has no section ${packageVersion}`);
  const [heading = '', ...lines] = section.split('\n');
  if (!/\d{4}-\d\d-\d\d$/.test(heading))
    throw new Error(`write the date of the release into CHANGELOG.md: ## ${heading}`);
  return `${lines.join('\n').trim()}\n`;
}

/** Both executables, each with a checksum that `sha256sum --check` reads. */
async function buildAll(folder: string): Promise<void> {
  for (const architecture of ARCHITECTURES) {
    const outfile = join(folder, `bq_to_postgres-linux-${architecture}`);
    await build({ target: `bun-linux-${architecture}`, outfile });
    await writeChecksum(outfile);
  }
}

if (import.meta.main) {
  const [tag = ''] = process.argv.slice(2);
  const changelog = await Bun.file(join(ROOT, 'CHANGELOG.md')).text();
  const notes = releaseNotes(tag, version, changelog);
  const folder = join(ROOT, 'dist/release');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await buildAll(folder);
  await Bun.write(join(ROOT, 'dist/release-notes.md'), notes);
}
