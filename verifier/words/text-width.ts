/**
 * How many columns a text of ours takes: one a character. yargs measures its help with a package
 * that knows every emoji, and whose tables cost a quarter of a cold start; help has none.
 */
export function textWidth(text: string): number {
  return [...text].length;
}

// biome-ignore lint/style/noDefaultExport: the shape that yargs and its helpers import
export { textWidth as default };
