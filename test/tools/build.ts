import { basename } from 'node:path';
import { $ } from 'bun';

export interface Build {
  /** As Bun names them: `bun-linux-x64`, `bun-linux-arm64`; undefined for this machine's own. */
  readonly target: string | undefined;
  readonly outfile: string;
}

const ROOT = new URL('../..', import.meta.url).pathname;
const ENTRY = `${ROOT}postgres/bq_to_postgres.ts`;

/**
 * Compiles the program into one executable with the runtime inside. It is split, so that the entry can
 * replace the process before any other module is loaded. Bytecode halves the time that the Google
 * clients take to load; names are kept, for errors and their stacks. Neither `.env` nor `bunfig.toml`
 * of the directory where it is started may change what it does. The same sources make the same file in
 * any folder, as long as that folder is the working directory. Answers the paths of what is in it.
 */
export async function build({ target, outfile }: Build): Promise<readonly string[]> {
  const commit = await commitText(ROOT);
  const result = await Bun.build({
    entrypoints: [ENTRY],
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target === undefined ? {} : { target: target as Bun.Build.CompileTarget }),
    },
    target: 'bun',
    format: 'esm',
    splitting: true,
    bytecode: true,
    metafile: true,
    minify: { whitespace: true, syntax: true, identifiers: false, keepNames: true },
    // Modules of CommonJS would have the builder's folders in them.
    define: { BUILD_COMMIT: JSON.stringify(commit), __dirname: '"/"', __filename: '"/"' },
  });
  for (const log of result.logs) console.error(log);
  return Object.keys(result.metafile?.inputs ?? {});
}

/** Writes `outfile.sha256`, which `sha256sum --check` reads in the folder of the file. */
export async function writeChecksum(outfile: string): Promise<void> {
  const hash = new Bun.CryptoHasher('sha256').update(await Bun.file(outfile).bytes());
  await Bun.write(`${outfile}.sha256`, `${hash.digest('hex')}  ${basename(outfile)}\n`);
}

/** `commit abc1234`, `commit abc1234-dirty` with changes in the tree, `no commit` without git. */
export async function commitText(directory: string): Promise<string> {
  const git = $`git describe --always --dirty --abbrev=7 ${'--exclude=*'}`.cwd(directory);
  const { exitCode, stdout } = await git.quiet().nothrow();
  return exitCode === 0 ? `commit ${stdout.toString().trim()}` : 'no commit';
}

/** Reads `--target=...`; anything else is an error. */
export function readTarget(argv: readonly string[]): string | undefined {
  const [first, ...others] = argv;
  if (first === undefined) return undefined;
  const target = /^--target=(bun-.+)$/.exec(first)?.[1];
  if (target !== undefined && others.length === 0) return target;
  throw new Error(`write bun run build [--target=bun-linux-arm64], not: ${argv.join(' ')}`);
}

if (import.meta.main) {
  process.chdir(ROOT);
  const outfile = `${ROOT}dist/bq_to_postgres`;
  await build({ target: readTarget(process.argv.slice(2)), outfile });
  await writeChecksum(outfile);
  const megabytes = Bun.file(outfile).size / 1e6;
  console.log(`dist/bq_to_postgres: ${megabytes.toFixed(0)} MB`);
}
