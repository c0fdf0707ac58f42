import { join } from 'node:path';

const place = globalThis as { builtProgram?: Promise<string> };

/** Path of the compiled program, made once in a test run from the sources as they are. */
export function builtProgram(): Promise<string> {
  place.builtProgram ??= build();
  return place.builtProgram;
}

async function build(): Promise<string> {
  const root = join(import.meta.dir, '../..');
  const script = join(import.meta.dir, 'build.ts');
  const made = Bun.spawn([process.execPath, script], { cwd: root, stdout: 'pipe', stderr: 'pipe' });
  const [exitCode, errors] = await Promise.all([made.exited, new Response(made.stderr).text()]);
  if (exitCode !== 0) throw new Error(`the program could not be built: ${errors}`);
  return join(root, 'dist/bq_to_postgres');
}
