import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary directory of a test's own. */
export interface Folder extends Disposable {
  readonly path: string;
  /** Writes a file, by default one that only its owner can read, and returns its path. */
  write(name: string, text: string, mode?: number): string;
}

/** Makes a temporary directory; disposing of it removes it. */
export function createFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'bq-to-postgres-test-'));
  return {
    path,
    write(name, text, mode = 0o600) {
      const file = join(path, name);
      writeFileSync(file, text, { mode });
      return file;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
