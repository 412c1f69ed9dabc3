/** `affidavit check --demands`: linked proofs and the checker's own data → a verdict. */
import { type CollateralKind, maxBundleLength } from '#verifier/abi/bundle.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { LinkedCheckArguments } from '#verifier/cli/check-linked-options.ts';
import { blaming, usageError } from '#verifier/cli/cli-error.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { settingsOf } from '#verifier/cli/verify-command.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
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
  const { at, crl, pckCrl, rootCaCrl } = options;
  const { now, collateral } = await settingsOf({ at, crl, pckCrl, rootCaCrl });
  const listsOf = (kind: CollateralKind) =>
    collateral.filter((one) => one.kind === kind).map(({ data }) => data);
  const demands = await demandsOf(options.demands);
  const roots = await rootsOf(options.insecureRoot);
  const response =
    options.response === undefined
      ? null
      : await readFileLimited(options.response, maxBundleLength, 'response', 'invalid');
  const proof = await readFileLimited(options.proof, maxLinkedFileLength, 'proof', 'invalid');
  const settings = {
    demands,
    now,
    intel: {
      root: roots.intel,
      rootCrls: listsOf('intel-root-crl'),
      pckCrls: listsOf('pck-crl'),
    },
    amd: { roots: roots.amd, crls: listsOf('ark-crl') },
  };
  const verdict = await withTools(options, (tools) =>
    checkLinkedProof({ proof, response, audience, nonce }, settings, tools),
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

type Roots = { intel: IntelRootKey | null; amd: readonly TrustedRoot[] };

/** The vendors', or in their place what was handed over, and nothing else. */
async function rootsOf(path: string | undefined): Promise<Roots> {
  if (path === undefined) {
    return { intel: intelRootKey(), amd: vendorRoots.filter(({ vendor }) => vendor === 'amd') };
  }
  const bytes = await readFileLimited(path, maxRootLength, 'root', 'usage');
  const read = (): Roots => {
    const given = readDerObjects(bytes, 'CERTIFICATE', 'root').map((der) => {
      const certificate = parseCertificate(der, 'root');
      return { root: insecureRoot(certificate), spki: certificate.spki };
    });
    const [intel, second] = given.filter(({ root }) => root.vendor === 'intel');
    if (second !== undefined)
      throw usageError(`--insecure-root ${path} holds two of Intel's roots`);
    return {
      intel: intel === undefined ? null : { spki: intel.spki, insecure: true },
      amd: given.map(({ root }) => root).filter(({ vendor }) => vendor === 'amd'),
    };
  };
  return blaming('usage', `--insecure-root ${path}`, read);
}
