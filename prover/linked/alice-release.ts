/** Proofs that were kept are of one release of the circuits, and worth nothing to a checker of another. */
import { AliceError } from './alice-errors.ts';
import type { SecretFile } from './secret-file.ts';

type MachineCircuit = 'tdx-pck' | 'vek-member' | 'tdx-quote';

export function keyCircuit({ key }: Pick<SecretFile, 'key'>): MachineCircuit {
  return key.kind === 'pck' ? 'tdx-pck' : 'vek-member';
}

/** Whose proofs are still to be made. */
export function circuitsLeft(secret: SecretFile): MachineCircuit[] {
  const { key, quote } = secret.proofs;
  return [
    ...(key === null ? [keyCircuit(secret)] : []),
    ...(quote === null ? (['tdx-quote'] as const) : []),
  ];
}

/**
 * @param pinned hash of the artefact of a circuit, hex
 * @throws AliceError `release-changed`
 */
export async function refuseOtherRelease(
  secret: SecretFile,
  pinned: (circuit: MachineCircuit) => Promise<string>,
): Promise<void> {
  const made = [
    [keyCircuit(secret), secret.proofs.key],
    ['tdx-quote', secret.proofs.quote],
  ] as const;
  for (const [circuit, proof] of made) {
    if (proof === null || proof.artifact === (await pinned(circuit))) continue;
    throw new AliceError(
      'release-changed',
      `the proof that is kept was made with another ${circuit} than this release holds`,
    );
  }
}
