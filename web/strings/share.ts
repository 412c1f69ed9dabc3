/** Words of handing on a verdict and what it was made of. */
import { counted } from './lists.ts';

export const shareStrings = {
  title: 'Share',
  note: 'Everything is made in this page. Nobody has to believe your verdict: whoever has the evidence can verify it again.',
  json: 'Download the verdict (JSON)',
  markdown: 'Download as Markdown',
  bundle: 'Download the bundle with its collateral',
  print: 'Print',
  linkTitle: 'A link to this evidence',
  linkText:
    'The link holds all files, the policy and the time. They stand behind its #, which browsers send to no server. It holds no verdict and no nonce: whoever opens it judges anew.',
  makeLink: 'Make a link',
  sameTime: (time: string) =>
    `Judge for the time of this verdict, ${time}, and not for when it is opened`,
  theLink: 'the link',
  length: (characters: number) => counted(characters, 'character'),
  inAddress: 'It stands in the address bar now, too.',
  tooLong:
    'It is longer than 2 MB: browsers, mail and chat programs may cut it. Hand on the files below instead.',
  files: (count: number) => `Download what was given (${counted(count, 'file')})`,
  downloadFile: (name: string) => `Download ${name}`,
} as const;
