import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { version } from '../../package.json';
import { releaseNotes } from './release.ts';

const CHANGELOG =
  '# Changelog\n\n## 1.1.0 – 2027-01-02\n\n- new\n\n## 1.0.0 – 2026-12-01\n\n- old\n';

test('the notes of a release are its section of the changelog', () => {
  expect(releaseNotes('v1.1.0', '1.1.0', CHANGELOG)).toBe('- new\n');
  expect(releaseNotes('v1.0.0', '1.0.0', CHANGELOG)).toBe('- old\n');
});

test('a tag that is not the version of the package is no release', () => {
  expect(() => releaseNotes('v1.2.0', '1.1.0', CHANGELOG)).toThrow(
    'package.json has version 1.1.0',
  );
});

test('a version without a section, or without a date, is no release', () => {
  expect(() => releaseNotes('v1.2.0', '1.2.0', CHANGELOG)).toThrow('no section 1.2.0');
  const unreleased = CHANGELOG.replace('2027-01-02', 'unreleased');
  expect(() => releaseNotes('v1.1.0', '1.1.0', unreleased)).toThrow('write the date');
});

test('the version of the package has a section in the changelog', async () => {
  const changelog = await Bun.file(join(import.meta.dir, '../../CHANGELOG.md')).text();
  expect(changelog).toContain(`\n## ${version} – `);
});
