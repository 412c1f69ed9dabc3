/** Colour as a function that the page of a terminal is given: what is painted says the same without it. */

export type Style = 'good' | 'bad' | 'open' | 'quiet' | 'strong';

export type Paint = (style: Style, text: string) => string;

/** For files, pipes, and those who ask for none. */
export const plain: Paint = (_, text) => text;
