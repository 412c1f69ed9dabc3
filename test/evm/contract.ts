/** Compiles a verifier contract with solc and runs it in an in-process EVM. */
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { createEVM, type EVM } from '@ethereumjs/evm';
import type { Address } from '@ethereumjs/util';
import { keccak_256 } from '@noble/hashes/sha3.js';
import solc from 'solc';
import {
  type Bytes,
  bigEndian,
  concat,
  fromBigEndian,
  fromHex,
  toHex,
  utf8,
} from '#verifier/bytes.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';

/** tau·H of the Aztec Ignition ceremony, as the contract writes it: x1, x0, y1, y0. */
const ceremonyG2 = [
  '260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1',
  '0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0',
  '04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4',
  '22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55',
];

/**
 * A copy of the contract that believes another string.
 * @param g2 as in `bn254_g2.dat`: x0 ‖ x1 ‖ y0 ‖ y1, 128 bytes
 * @throws RangeError unless the contract names each of the ceremony's constants exactly once
 */
export function withOtherG2(contract: string, g2: Bytes): string {
  if (g2.length !== 128) throw new RangeError(`a G2 point has 128 bytes, got ${g2.length}`);
  const [x0, x1, y0, y1] = [0, 32, 64, 96].map((at) => toHex(g2.subarray(at, at + 32)));
  return [x1, x0, y1, y0].reduce<string>((text, own, i) => {
    const parts = text.split(ceremonyG2[i] as string);
    if (parts.length !== 2) throw new RangeError('the contract does not hold the ceremony’s G2');
    return parts.join(own);
  }, contract);
}

type Compiled = {
  abi: { type: string; name?: string; inputs?: { type: string }[] }[];
  evm: {
    bytecode: {
      object: string;
      linkReferences: Record<string, Record<string, { start: number; length: number }[]>>;
    };
    methodIdentifiers: Record<string, string>;
  };
};

/** The contracts of one source, by name; those that have code. */
export type Contracts = Readonly<Record<string, Compiled>>;

const wanted = ['abi', 'evm.bytecode.object', 'evm.bytecode.linkReferences'];

/**
 * @param sources by a name of the caller's choice
 * @returns under the same names
 * @throws Error with solc's words
 */
export function compileContracts<Name extends string>(
  sources: Readonly<Record<Name, string>>,
): Record<Name, Contracts> {
  const outputs = [...wanted, 'evm.methodIdentifiers'];
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(
      Object.entries<string>(sources).map(([name, content]) => [name, { content }]),
    ),
    settings: {
      // Compiles in a third of the time; its gas is about a fifth above that of optimised code.
      optimizer: { enabled: false },
      outputSelection: {
        '*': { HonkVerifier: outputs, RelationsLib: outputs, ZKTranscriptLib: outputs },
      },
    },
  };
  const output: {
    errors?: { severity: string; formattedMessage: string }[];
    contracts: Record<Name, Contracts>;
  } = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    throw new Error(`solc: ${errors.map(({ formattedMessage }) => formattedMessage).join('\n')}`);
  }
  return output.contracts;
}

export type Outcome = {
  readonly accepted: boolean;
  /** Why not: the contract's error, or `false` when it only said no. */
  readonly reason: string | null;
  /** Of the call itself: without a transaction's base and calldata cost. */
  readonly gas: bigint;
};

export type DeployedVerifier = {
  /** Bytes of code, libraries included. */
  readonly codeLength: number;
  verify(proof: Bytes, publicInputs: readonly Field[]): Promise<Outcome>;
};

const gasLimit = 16_000_000n;

/** In an EVM of its own that takes contracts of any size. */
export async function deployVerifier(contracts: Contracts): Promise<DeployedVerifier> {
  const evm = await createEVM({
    common: new Common({ chain: Mainnet, hardfork: Hardfork.Cancun }),
    allowUnlimitedContractSize: true,
  });
  const addresses = new Map<string, Address>();
  const deploy = async (name: string): Promise<Address> => {
    const known = addresses.get(name);
    if (known !== undefined) return known;
    const { object, linkReferences } = codeOf(contracts, name).evm.bytecode;
    let code = object;
    for (const [library, places] of Object.values(linkReferences).flatMap(Object.entries)) {
      const address = toHex((await deploy(library)).bytes);
      for (const { start, length } of places as { start: number; length: number }[]) {
        code = code.slice(0, 2 * start) + address + code.slice(2 * (start + length));
      }
    }
    const created = await create(evm, fromHex(code, name));
    addresses.set(name, created);
    return created;
  };
  const verifier = await deploy('HonkVerifier');
  const { abi, evm: output } = codeOf(contracts, 'HonkVerifier');
  const selector = fromHex(
    output.methodIdentifiers['verify(bytes,bytes32[])'] ?? '',
    'selector',
    4,
  );
  let codeLength = 0;
  for (const address of addresses.values()) {
    codeLength += (await evm.stateManager.getCode(address)).length;
  }
  return {
    codeLength,
    async verify(proof, publicInputs) {
      const data = concat(selector, callArguments(proof, publicInputs));
      const { execResult } = await evm.runCall({ to: verifier, data, gasLimit });
      const { exceptionError, executionGasUsed: gas, returnValue } = execResult;
      if (exceptionError !== undefined) {
        const reason = errorName(abi, returnValue) ?? exceptionError.error;
        return { accepted: false, reason, gas };
      }
      const accepted = returnValue.length === 32 && fromBigEndian(returnValue) === 1n;
      return { accepted, reason: accepted ? null : 'false', gas };
    },
  };
}

function codeOf(contracts: Contracts, name: string): Compiled {
  const found = contracts[name];
  if (found === undefined) throw new RangeError(`the source has no contract ${name}`);
  return found;
}

async function create(evm: EVM, code: Bytes): Promise<Address> {
  const { createdAddress, execResult } = await evm.runCall({ data: code, gasLimit });
  if (execResult.exceptionError !== undefined || createdAddress === undefined) {
    throw new Error(`a contract cannot be deployed: ${execResult.exceptionError?.error}`);
  }
  return createdAddress;
}

/** (bytes, bytes32[]) as the Solidity ABI lays them out: two offsets, then each with its length. */
function callArguments(proof: Bytes, publicInputs: readonly Field[]): Bytes {
  const word = (value: number) => bigEndian(value, 32);
  const padded = concat(proof, new Uint8Array((32 - (proof.length % 32)) % 32));
  return concat(
    word(64),
    word(64 + 32 + padded.length),
    word(proof.length),
    padded,
    word(publicInputs.length),
    ...publicInputs.map(fieldToBytes),
  );
}

function errorName(abi: Compiled['abi'], data: Bytes): string | undefined {
  const selector = toHex(data.subarray(0, 4));
  return abi.find(({ type, name, inputs = [] }) => {
    const signature = `${name}(${inputs.map((one) => one.type).join(',')})`;
    return type === 'error' && toHex(keccak_256(utf8(signature)).subarray(0, 4)) === selector;
  })?.name;
}
