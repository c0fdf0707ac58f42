import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The root of the repository, with a slash at its end. */
export const REPOSITORY = new URL('../../', import.meta.url).pathname;

/** Where the instructions and the files they install are. */
export const DEPLOYMENT = join(REPOSITORY, 'postgres');

/** One shell block of the instructions. */
export interface Block {
  /** The heading that it stands under. */
  readonly section: string;
  /** The line of the document that its first line of shell is on, from 1. */
  readonly line: number;
  readonly shell: string;
  /** An alternative, marked `<!-- instead -->`: it is run apart, so that its variables do not stay. */
  readonly instead: boolean;
}

export function instructions(): string {
  return readFileSync(join(DEPLOYMENT, 'instructions.md'), 'utf8');
}

/** The shell blocks of `markdown` in their order. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let section = '';
  let previous = '';
  let open: { line: number; instead: boolean; shell: string[] } | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    if (open !== undefined) {
      if (text === '```') {
        const { line, instead, shell } = open;
        blocks.push({ section, line, instead, shell: `${shell.join('\n')}\n` });
        open = undefined;
      } else open.shell.push(text);
    } else if (text === '```bash') {
      open = { line: index + 2, instead: previous === '<!-- instead -->', shell: [] };
    } else if (text.startsWith('#')) section = text.replace(/^#+ /, '');
    if (text !== '') previous = text;
  }
  return blocks;
}

/** The document as one script; `before` gives the lines to put before each block. */
export function scriptOf(blocks: readonly Block[], before: (block: Block) => string): string {
  return blocks
    .map((block) => {
      const body = `${before(block)}\n${block.shell}`;
      return block.instead ? `(\n${body})\n` : body;
    })
    .join('\n');
}
