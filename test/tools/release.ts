/** `bun test/tools/release.ts v1.2.3` makes all files of a release in dist/release, and its notes. */

import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import { version } from '../../package.json';
import { build, writeChecksum } from './build.ts';
import { thirdPartyLicences } from './licences.ts';

const ROOT = join(import.meta.dir, '../..');
const ARCHITECTURES = ['x64', 'arm64'] as const;
const CYCLONEDX = '@cyclonedx/cyclonedx-npm@6.0.1';

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

/** Makes all files of a release in `folder`, each executable with what `sha256sum --check` reads. */
export async function makeRelease(folder: string): Promise<void> {
  process.chdir(ROOT);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let inputs: readonly string[] = [];
  for (const architecture of ARCHITECTURES) {
    const outfile = join(folder, `bq_to_postgres-linux-${architecture}`);
    inputs = await build({ target: `bun-linux-${architecture}`, outfile });
    await writeChecksum(outfile);
  }
  await Bun.write(join(folder, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicences(inputs));
  await writeBillOfMaterials(join(folder, 'bq_to_postgres.cdx.json'));
  for (const name of ['LICENSE', 'NOTICE']) copyFileSync(join(ROOT, name), join(folder, name));
}

/**
 * CycloneDX's own tool, which lists all packages that are not for development alone; without its optional
 * packages, which are compiled and only serve to validate XML.
 */
async function writeBillOfMaterials(path: string): Promise<void> {
  const options = ['--omit', 'dev', '--ignore-npm-errors', '--output-reproducible'];
  const env = { ...process.env, npm_config_omit: 'optional' };
  await $`npx -y ${CYCLONEDX} ${options} --output-file ${path}`.cwd(ROOT).env(env).quiet();
}

if (import.meta.main) {
  const [tag = ''] = process.argv.slice(2);
  const changelog = await Bun.file(join(ROOT, 'CHANGELOG.md')).text();
  const notes = releaseNotes(tag, version, changelog);
  await makeRelease(join(ROOT, 'dist/release'));
  await Bun.write(join(ROOT, 'dist/release-notes.md'), notes);
}
