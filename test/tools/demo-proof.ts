/** The demo's second half: Alice proves a response, Bob accepts it, and refuses what is not it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { ProverError } from '#prover/errors.ts';
import { createProgress } from '#prover/progress.ts';
import { openWorkshop } from '#prover/workshop.ts';
import { encodeResponse, parseResponse } from '#verifier/abi/response.ts';
import { utf8 } from '#verifier/bytes.ts';
import { run, say, verdictOnly } from './demo-steps.ts';

export type ProofScene = {
  file: (name: string) => string;
  affidavit: (...args: string[]) => string[];
  /** The agent's URL. */
  url: string;
  /** Bob's, drawn for this proof. */
  nonce: string;
};

type Circuit = 'response-open' | 'response-open-key';

/** Whether the ceremony's points for a circuit are at hand, or can be had when asked for. */
async function canHavePoints(circuit: Circuit): Promise<boolean> {
  const workshop = openWorkshop(
    {},
    createProgress(process.stderr, () => performance.now()),
  );
  try {
    await workshop.points(circuit);
    return true;
  } catch (error) {
    if (error instanceof ProverError) return false;
    throw error;
  }
}

export async function proofStory(scene: ProofScene): Promise<void> {
  say('9. Alice shows Bob the answer, and proves that a service of that very machine signed it.');
  const { file, affidavit, nonce } = scene;
  if (!(await canHavePoints('response-open-key'))) return mechanicsStory(scene);
  const hidden = await canHavePoints('response-open');
  if (!hidden) {
    say(
      '   (No ceremony points for the circuit that hides the service’s key are to be had here: 65,537, 4 MiB. Alice\n   discloses the key, which takes fewer.)',
    );
  }
  const given = ['--bundle', file('bundle.json'), '--response', file('response.json')];
  const forBob = ['--audience', 'bob.example', '--nonce', nonce];
  const disclose = hidden ? [] : ['--disclose', 'service-key'];
  const service = ['--service', file('service.json')];
  await run(
    affidavit('prove', ...given, ...service, ...forBob, ...disclose, '--out', file('proof.json')),
  );

  say(
    '10. Bob has the bundle, the response and the proof. He rebuilds every public input himself.',
  );
  const roots = ['--insecure-root', file('roots.pem')];
  await run(affidavit('check', file('proof.json'), ...given, ...forBob, ...roots), 0, verdictOnly);

  say('11. An altered response, another audience, another service: refused.');
  const response = parseResponse(readFileSync(file('response.json'), 'utf8'));
  const altered = {
    altered: { ...response, body: utf8('hellO') },
    'of-another': { ...response, service: 'echo-cpp' },
  };
  for (const [name, changed] of Object.entries(altered)) {
    writeFileSync(file(`${name}.json`), encodeResponse(changed));
    const swapped = ['--bundle', file('bundle.json'), '--response', file(`${name}.json`)];
    await run(
      affidavit('check', file('proof.json'), ...swapped, ...forBob, ...roots),
      20,
      verdictOnly,
    );
  }
  const forEve = ['--audience', 'eve.example', '--nonce', nonce];
  await run(affidavit('check', file('proof.json'), ...given, ...forEve, ...roots), 20, verdictOnly);
}

/** Neither points nor network: a development string, checked where its own G2 can be put in. */
async function mechanicsStory({ file, nonce }: ProofScene): Promise<void> {
  say(
    '   (No ceremony points are to be had here, nor a network to fetch them. What follows shows the mechanics on a\n   reference string made just now: it is NOT SECURE, for whoever made the string can forge. Affidavit itself never\n   accepts such points; the check runs in an EVM, on a copy of the circuit’s contract with the string’s own G2.)',
  );
  const given = ['--bundle', file('bundle.json'), '--response', file('response.json')];
  const forBob = ['--audience', 'bob.example', '--nonce', nonce];
  const tool = ['npm', 'run', '--silent', 'insecure-evm-check', '--'];
  await run([...tool, ...given, '--service', file('service.json'), ...forBob]);
}
