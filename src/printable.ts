/**
 * `text` with line breaks as LF, and other control characters and lone surrogates written out: it can
 * be shown by any terminal, and be stored by any database.
 */
export function printable(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(/[^\P{Cc}\n\t]|\p{Cs}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
