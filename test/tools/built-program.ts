import { join } from 'node:path';

const ROOT = join(import.meta.dir, '../..');
const place = globalThis as { builtProgram?: Promise<string> };

/**
 * Path of the compiled program, made once in a test run from the sources as they are. `bun run test`,
 * whose workers run files side by side, has made it before and says so by `BUILT_PROGRAM`.
 */
export function builtProgram(): Promise<string> {
  const built = process.env['BUILT_PROGRAM'];
  place.builtProgram ??= built === undefined ? build() : Promise.resolve(join(ROOT, built));
  return place.builtProgram;
}

async function build(): Promise<string> {
  const script = join(import.meta.dir, 'build.ts');
  const made = Bun.spawn([process.execPath, script], { cwd: ROOT, stdout: 'pipe', stderr: 'pipe' });
  const [exitCode, errors] = await Promise.all([made.exited, new Response(made.stderr).text()]);
  if (exitCode !== 0) throw new Error(`the program could not be built: ${errors}`);
  return join(ROOT, 'dist/bq_to_postgres');
}
