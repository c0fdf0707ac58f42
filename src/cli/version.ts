import { version } from '../../package.json';

/** Set by the build (`--define`); a run from source has no commit. */
declare const BUILD_COMMIT: string | undefined;

/** `1.0.0`. */
export const VERSION = version;

const commit = typeof BUILD_COMMIT === 'undefined' ? 'from source' : BUILD_COMMIT;

/** `bq_to_postgres 1.0.0 (commit abc1234)`. */
export const VERSION_TEXT = `bq_to_postgres ${version} (${commit})`;
