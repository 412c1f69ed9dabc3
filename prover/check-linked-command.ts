/** `affidavit check --demands`: linked proofs and the checker's own data → a verdict. */
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { readDerObject } from '#verifier/abi/pem.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { LinkedCheckArguments } from '#verifier/cli/check-linked-options.ts';
import { blaming, usageError } from '#verifier/cli/cli-error.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { settingsOf } from '#verifier/cli/verify-command.ts';
import { circuitPin } from './artifact.ts';
import { ceremonyG2, firstPoints } from './ceremony.ts';
import { checkLinkedProof, type LinkedTools } from './linked/bob.ts';
import { type IntelRootKey, intelRootKey } from './linked/bob-issuer.ts';
import { type Demands, parseDemands } from './linked/demands.ts';
import type { LinkedVerdict } from './linked/linked-checks.ts';
import { maxLinkedFileLength } from './linked/proof-file.ts';
import { createProgress } from './progress.ts';
import { audienceOption, nonceOption } from './prove-command.ts';
import { openWorkshop, type WorkshopOptions } from './workshop.ts';

export type CheckLinkedOptions = LinkedCheckArguments & WorkshopOptions;

const maxDemandsLength = 1024 * 1024;
const maxRootLength = 1024 * 1024;

/** @throws CliError for everything that ends without a verdict */
export async function checkLinked(
  options: CheckLinkedOptions,
): Promise<{ verdict: LinkedVerdict; policy: Pick<Demands, 'name'> }> {
  const audience = audienceOption(options.audience);
  const nonce = nonceOption('nonce', options.nonce);
  const { at, rootCaCrl } = options;
  const { now, collateral } = await settingsOf({ at, rootCaCrl });
  const rootCrls = collateral.map(({ data }) => data);
  const demands = await demandsOf(options.demands);
  const root = await rootOf(options.insecureRoot);
  const response =
    options.response === undefined
      ? null
      : await readFileLimited(options.response, maxBundleLength, 'response', 'invalid');
  const proof = await readFileLimited(options.proof, maxLinkedFileLength, 'proof', 'invalid');
  const verdict = await withTools(options, (tools) =>
    checkLinkedProof({ proof, response, audience, nonce }, { demands, now, root, rootCrls }, tools),
  );
  return { verdict, policy: demands };
}

async function withTools<T>(
  options: WorkshopOptions,
  run: (tools: LinkedTools) => Promise<T>,
): Promise<T> {
  const workshop = openWorkshop(
    options,
    createProgress(process.stderr, () => performance.now()),
  );
  // Started now, for it takes a moment; verifying needs no more than these points.
  const opening = workshop.open({ g1: firstPoints, g2: ceremonyG2 });
  opening.catch(() => {});
  try {
    return await run({
      artifactHash: async (circuit) => (await circuitPin(circuit)).artifactHash,
      key: workshop.key,
      verify: async (...question) => (await opening).verify(...question),
      crypto: nodeCrypto,
    });
  } finally {
    await opening.then(
      (backend) => backend.close(),
      () => {},
    );
  }
}

async function demandsOf(path: string): Promise<Demands> {
  const bytes = await readFileLimited(path, maxDemandsLength, 'demands', 'usage');
  return blaming('usage', `demands ${path}`, () => parseDemands(bytes));
}

async function rootOf(path: string | undefined): Promise<IntelRootKey> {
  if (path === undefined) return intelRootKey();
  const bytes = await readFileLimited(path, maxRootLength, 'root', 'usage');
  const read = (): IntelRootKey => {
    const certificate = parseCertificate(readDerObject(bytes, 'CERTIFICATE', 'root'), 'root');
    if (insecureRoot(certificate).vendor !== 'intel') {
      throw usageError(`--insecure-root ${path} has not the shape of Intel's root`);
    }
    return { spki: certificate.spki, insecure: true };
  };
  return blaming('usage', `--insecure-root ${path}`, read);
}
