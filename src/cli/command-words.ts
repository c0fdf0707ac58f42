import { mayHoldPassword, shownWords } from './secret-words.ts';

/** Set by the build (`--define`). A run from source is not replaced: its executable is the runtime's. */
declare const BUILD_COMMIT: string | undefined;

/** Where the process that replaced the first one finds its words. */
const VARIABLE = 'BQ_TO_POSTGRES_WORDS';

/** The words of a command line. */
export interface CommandWords {
  readonly words: readonly string[];
  /** Why the system, and the runtime if it crashes, still show a password among the arguments. */
  readonly exposed?: string;
}

/**
 * The words of this process's command line. Where one of them may hold a password, the process first
 * replaces itself by one that finds its words in the environment, and whose arguments show none
 * (execve(2): pid, parent, standard streams and ignored signals stay). To be called before any module of
 * Node's is loaded: those start threads, and where none can be started the runtime dies, and prints its
 * arguments.
 */
export function commandWords(): CommandWords {
  const handed = process.env[VARIABLE];
  if (handed !== undefined) {
    delete process.env[VARIABLE]; // no process that is started from here finds it
    return { words: JSON.parse(handed) as string[] };
  }
  const words = process.argv.slice(2);
  if (typeof BUILD_COMMIT === 'undefined' || !words.some(mayHoldPassword)) return { words };
  // The runtime closes all other descriptors when it replaces itself.
  const needsDescriptor = [...words, ...Object.values(process.env)].some(namesDescriptor);
  if (needsDescriptor) return { words, exposed: 'a file descriptor is passed on by its number' };
  try {
    const env = { ...process.env, [VARIABLE]: JSON.stringify(words) };
    process.execve?.(process.execPath, [process.argv0, ...shownWords(words)], env);
    return { words, exposed: 'the runtime cannot replace its process' };
  } catch (error) {
    process.removeAllListeners('warning'); // that execve is experimental, as text
    return {
      words,
      exposed: `the process cannot be replaced (${(error as NodeJS.ErrnoException).code})`,
    };
  }
}

/** `/dev/fd/63`, as a shell's process substitution writes it. */
function namesDescriptor(text: string | undefined): boolean {
  return text !== undefined && /\/(?:dev|proc\/[^/]+)\/fd\/(?![012]\b)\d/.test(text);
}
