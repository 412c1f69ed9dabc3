/** Words of asking an agent for evidence. */
export const agentStrings = {
  title: 'Ask an agent',
  label: 'URL of an agent',
  placeholder: 'https://host.example:8443',
  hint: 'The page draws a nonce and asks that address, and nobody else, for fresh evidence.',
  button: 'Verify',
  asking: 'Asking…',
  cancel: 'Cancel',

  bundle: 'an evidence bundle',
  closure: 'a closure manifest',
  treeProof: 'a tree proof',
  byVerify: 'Verify on the command line, and save the bundle to drop it here',
  byCurl: 'Or get the answer alone, to drop it here',

  notUrl: (text: string) => `“${text}” is no http or https URL`,
  notUrlRemedy: 'Write http://host:port or https://host.',
  hasPassword: 'the URL holds a name or a password',
  hasPasswordRemedy: 'Write it without: an agent asks for none.',

  refused: (url: string) => `no answer from ${url} that the browser would hand to this page`,
  refusedRemedy:
    'A browser does not tell a page why. The likely reasons, the likeliest first, and how to go around all of them:',
  reasonsTitle: 'Likely reasons',
  commandsTitle: 'Get a file instead',
  nonceHint: 'The nonce in the last command goes into “Nonce that you sent”.',
  mixedContent:
    'This page came over https and the agent’s URL is http: browsers refuse such requests. Open the page from a file or over http, or use the agent’s https URL.',
  cors: (origin: string) =>
    `The agent does not allow pages of this origin to read its answers. Agents send no CORS header of their own; a proxy in front of one can: Access-Control-Allow-Origin: ${origin}`,
  unreachable: (host: string) =>
    `Nothing answers at ${host}: the agent does not run, the port is another, or a firewall or the browser’s own protection of local networks is between.`,
  certificate:
    'The browser does not trust the agent’s TLS certificate. Agents often have one of their own making, which the evidence binds; a browser cannot check that.',
  redirect: 'The address answers with a redirect, which is not followed.',

  noAnswer: (url: string, seconds: number) => `no answer from ${url} within ${seconds} s`,
  checkAgent: 'Check that the agent runs and that host and port are right, then try again.',
  checkUrl: 'Check that the URL is that of an affidavit agent.',
  status: (url: string, status: number) => `${url} answered with status ${status}`,
  otherMedia: (url: string, got: string, what: string, due: string) =>
    `${url} answered ${got === '' ? 'no content type' : got} where ${what} (${due}) was due`,
  tooLarge: (url: string) => `${url} sent more than 8 MiB`,
  cut: (url: string) => `${url} broke off its answer`,

  channelHint:
    'A page cannot see its own TLS connection: whether the evidence was made for this very connection only the command line can check.',
  moreTitle: 'More from this agent',
  fetchClosure: 'Fetch the closure manifest',
  proofLabel: 'Service',
  fetchProof: 'Fetch its tree proof',
  again: 'Ask again with a new nonce',
  closureName: (host: string) => `closure of ${host}`,
  proofName: (name: string) => `proof of ${name}`,
  bundleName: (host: string) => `bundle of ${host}`,
  proofWrong: (name: string) => `“${name}” is no name of a service`,
  proofWrongRemedy: 'Lower-case letters, digits, dots, dashes and underscores; 64 at most.',
} as const;
