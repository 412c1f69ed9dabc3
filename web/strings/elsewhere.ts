/** Words of the single HTML file alone. */
export const elsewhereStrings = {
  title: 'Proofs',
  why: 'Proofs cannot be checked in this file: they need workers and large files beside the page, which browsers give only to pages that come over http or https.',
  where:
    'Open the same page from a web server, your own or one you trust: there proof files are checked, and made, in the browser.',
  command: 'Or check them with the command line: affidavit check.',
} as const;
