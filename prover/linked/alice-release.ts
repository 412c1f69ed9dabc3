/** Proofs that were kept are of one release of the circuits, and worth nothing to a checker of another. */
import type { LinkedCircuitName } from '../circuit-names.ts';
import { AliceError } from './alice-errors.ts';
import type { MachineCircuit } from './proof-file.ts';
import { isFinished, type KeyDemand, type SecretFile } from './secret-file.ts';

const keyCircuits = {
  pck: 'tdx-pck',
  vek: 'snp-vek',
  member: 'vek-member',
  shown: null,
} as const satisfies Record<KeyDemand['kind'], LinkedCircuitName | null>;

type KeyCircuit = NonNullable<(typeof keyCircuits)[KeyDemand['kind']]>;

/** Null for a key that is shown: nothing is proved of it. */
export function keyCircuit({ key }: Pick<SecretFile, 'key'>): KeyCircuit | null {
  return keyCircuits[key.kind];
}

export function machineCircuit({ platform }: Pick<SecretFile, 'platform'>): MachineCircuit {
  return platform === 'tdx' ? 'tdx-quote' : 'snp-report';
}

/** Whose proofs are still to be made. */
export function circuitsLeft(secret: SecretFile): (KeyCircuit | MachineCircuit)[] {
  if (isFinished(secret)) return [];
  const { key, machine } = secret.proofs;
  const ofKey = keyCircuit(secret);
  return [
    ...(key === null && ofKey !== null ? [ofKey] : []),
    ...(machine === null ? [machineCircuit(secret)] : []),
  ];
}

/**
 * @param pinned hash of the artefact of a circuit, hex
 * @throws AliceError `release-changed`
 */
export async function refuseOtherRelease(
  secret: SecretFile,
  pinned: (circuit: KeyCircuit | MachineCircuit) => Promise<string>,
): Promise<void> {
  const made = [
    [keyCircuit(secret), secret.proofs.key],
    [machineCircuit(secret), secret.proofs.machine],
  ] as const;
  for (const [circuit, proof] of made) {
    if (circuit === null || proof === null || proof.artifact === (await pinned(circuit))) continue;
    throw new AliceError(
      'release-changed',
      `the proof that is kept was made with another ${circuit} than this release holds`,
    );
  }
}
