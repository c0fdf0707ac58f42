import { expect, test } from 'bun:test';
import { terminalPicture } from './terminal-picture.ts';

test('the picture of a terminal is XML with a line of text for each line', () => {
  const picture = terminalPicture('a & b', ['$ cat <file', '', '  indented'], 20);
  const texts: string[] = [];
  new HTMLRewriter()
    .on('text', { text: (chunk) => void (chunk.text && texts.push(chunk.text)) })
    .transform(picture);
  expect(texts).toEqual(['$ cat &lt;file', 'indented']);
  expect(picture).toContain('<title>a &amp; b</title>');
  expect(picture).toContain('width="192"');
});
