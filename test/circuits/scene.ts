/** What the protocol's vectors give to prove: echo-node in R3, and its signed response. */
import {
  audienceHash,
  fieldInput,
  type ResponseStatement,
  type ResponseWitness,
} from '#prover/circuit-inputs.ts';
import { type Service, serviceId, serviceKey, serviceTree } from '#verifier/abi/service.ts';
import { fromHex } from '#verifier/bytes.ts';
import type { Tree } from '#verifier/smt/tree.ts';

export const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);
/** secp256k1's generator: the key of private key 1. */
export const publicKey = fromHex(
  '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
    '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
  'public key',
);
export const responseHash = fromHex(
  '6c80c31871af7a4a3de2a2198dfe2dea9a71780e161180a1b357471d40b16e34',
  'response hash',
);
export const signature = fromHex(
  '5c7743b586ad0bd470658e00b82e604a7daf5556092a42eae0fbee60b06659b5' +
    '1a5b83a099277a6f412c4e8d060f8ab439cc3a948959ed8f33accd35764a00a1',
  'signature',
);

export function serviceOf(name: string): Service {
  return { name, narHash: new Uint8Array(32).fill(0x22), publicKey };
}

/** R3 */
export const tree: Tree = serviceTree(['echo-node', 'echo-cpp', 'echo-rust'].map(serviceOf));

export function witnessOf(name = 'echo-node', inTree = tree): ResponseWitness {
  const service = serviceOf(name);
  const { siblings } = inTree.prove(serviceKey(serviceId(name))).proof;
  const audience = audienceHash('bob.example');
  return { service, siblings, root: inTree.root, audience, nonce, responseHash, signature };
}

export function statementOf(witness: ResponseWitness): ResponseStatement {
  const { root, service, audience } = witness;
  return {
    treeRoot: root,
    serviceId: serviceId(service.name),
    responseHash: witness.responseHash,
    publicKey: service.publicKey,
    audience,
    nonce: witness.nonce,
  };
}

/** A field of the inputs changed: `at` is its path, as `path.siblings.3`. */
export function changed<T>(inputs: T, at: string, value: bigint): T {
  const copy = structuredClone(inputs);
  const steps = at.split('.');
  const last = steps.pop() as string;
  let parent = copy as Record<string, unknown>;
  for (const step of steps) parent = parent[step] as Record<string, unknown>;
  if (parent[last] === undefined) throw new RangeError(`the inputs have no ${at}`);
  parent[last] = fieldInput(value);
  return copy;
}

/** The integer at this place of the inputs. */
export function valueAt(inputs: unknown, at: string): bigint {
  return BigInt(
    at.split('.').reduce((parent, step) => (parent as never)[step], inputs) as unknown as string,
  );
}
