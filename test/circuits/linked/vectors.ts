/**
 * `npm run vectors`: writes what the TypeScript formulas give for fixed inputs to test/circuits/linked/vectors.json, which git
 * must then find unchanged. The circuits are held against the file by vectors.test.ts.
 */
import { writeFileSync } from 'node:fs';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  attestationCommitment,
  chipTdx,
  issuerTdx,
  keyCommitment,
  levelTdx,
  referenceSnp,
  referenceTdx,
  serial,
  vekTdx,
} from '#prover/linked/formulas.ts';
import {
  chipSnp,
  issuerSnp,
  levelSnp,
  type SnpKeyKind,
  type SnpProductNumber,
  tcbSnp,
  vekSnp,
} from '#prover/linked/formulas-snp.ts';
import { bindingOf, freshnessOf } from '#verifier/abi/report-data.ts';
import { type Bytes, concat, fromBigEndian, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';

/** All bytes in hex; `epoch` in seconds. */
export type VectorInputs = {
  readonly ca: string;
  readonly key: string;
  readonly ppid: string;
  readonly serialNumber: string;
  readonly fmspc: string;
  readonly cpuSvn: string;
  readonly pceSvn: number;
  readonly teeTcbSvn: string;
  readonly qeIsvSvn: number;
  /** MRTD ‖ RTMR0 ‖ RTMR1 ‖ RTMR2 ‖ RTMR3 */
  readonly registers: string;
  readonly closureDigest: string;
  readonly treeRoot: string;
  readonly deviceDigest: string;
  readonly logDigest: string;
  readonly nonce: string;
  readonly channel: string;
  readonly epoch: number;
  readonly salt: string;
  readonly product: SnpProductNumber;
  readonly kind: SnpKeyKind;
  readonly modulus: string;
  /** 64 bytes, of Turin 8. */
  readonly chipId: string;
  readonly vekKey: string;
  /** fmc, boot loader, TEE, SNP, microcode: a byte each. */
  readonly svns: string;
  readonly measurement: string;
};

export const outputNames = [
  'issuer',
  'chip',
  'serial',
  'vek',
  'keyCommitment',
  'reference',
  'level',
  'attestation',
  'binding',
  'freshness',
  'issuerSnp',
  'chipSnp',
  'tcbSnp',
  'vekSnp',
  'referenceSnp',
  'levelSnp',
] as const;

export type FormulaVector = {
  readonly name: string;
  readonly inputs: VectorInputs;
  /** 32 bytes each, in hex. */
  readonly outputs: Readonly<Record<(typeof outputNames)[number], string>>;
};

export const vectorsFile: URL = new URL('vectors.json', import.meta.url);

/** Bytes that look like nothing: of a name, the same each time. */
function drawn(name: string, length: number): string {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    sha256(utf8(`${name} ${i}`)),
  );
  return toHex(concat(...parts).subarray(0, length));
}

function inputsFrom(bytes: (what: string, length: number) => string, value: number): VectorInputs {
  return {
    ca: bytes('ca', 64),
    key: bytes('key', 64),
    ppid: bytes('ppid', 16),
    serialNumber: bytes('serial number', 20),
    fmspc: bytes('fmspc', 6),
    cpuSvn: bytes('cpu svn', 16),
    pceSvn: value % 65_536,
    teeTcbSvn: bytes('tee tcb svn', 16),
    qeIsvSvn: (7 * value) % 65_536,
    registers: bytes('registers', 240),
    closureDigest: bytes('closure', 32),
    // 31 bytes are a field, whichever.
    treeRoot: `00${bytes('tree root', 31)}`,
    deviceDigest: bytes('device', 32),
    logDigest: bytes('log', 32),
    nonce: bytes('nonce', 32),
    channel: bytes('channel', 32),
    epoch: 1_768_435_200 * Math.sign(value),
    salt: bytes('salt', 31),
    ...snpInputsFrom(bytes, Math.floor(value / 300)),
  };
}

function snpInputsFrom(bytes: (what: string, length: number) => string, number: number) {
  const product = (1 + (number % 3)) as SnpProductNumber;
  return {
    product,
    kind: (number % 2) as SnpKeyKind,
    modulus: bytes('modulus', 512),
    chipId: bytes('chip id', product === 3 ? 8 : 64),
    vekKey: bytes('vek key', 96),
    svns: bytes('svns', 5),
    measurement: bytes('measurement', 48),
  };
}

function outputsOf(inputs: VectorInputs): FormulaVector['outputs'] {
  const bytes = (name: keyof VectorInputs): Bytes => fromHex(String(inputs[name]), name);
  const integer = (name: keyof VectorInputs): Field => fromBigEndian(bytes(name));
  const { pceSvn, qeIsvSvn, epoch } = inputs;
  const issuer = issuerTdx(bytes('ca'));
  const [fmspc, cpuSvn, teeTcbSvn] = [bytes('fmspc'), bytes('cpuSvn'), bytes('teeTcbSvn')];
  const chip = chipTdx(bytes('ppid'));
  const number = serial(issuer, bytes('serialNumber'));
  const pck = { publicKey: bytes('key'), chip, serial: number, fmspc, cpuSvn, pceSvn };
  const registers = bytes('registers');
  const [mrTd, ...rtmr] = [0, 48, 96, 144, 192].map((at) => registers.subarray(at, at + 48)) as [
    Bytes,
    ...Bytes[],
  ];
  const closureDigest = bytes('closureDigest');
  const reference = referenceTdx({ mrTd, rtmr }, closureDigest);
  const [treeRoot, salt] = [integer('treeRoot'), integer('salt')];
  const digests = { deviceDigest: bytes('deviceDigest'), logDigest: bytes('logDigest') };
  const fields = {
    issuer,
    chip,
    serial: number,
    vek: vekTdx(pck),
    keyCommitment: keyCommitment(vekTdx(pck), salt),
    reference,
    level: levelTdx({ fmspc, cpuSvn, pceSvn, teeTcbSvn, qeIsvSvn }),
    attestation: attestationCommitment({ treeRoot, reference, epoch, salt }),
    ...snpOutputsOf(inputs),
  };
  const channel = { kind: 'tls-key', hash: bytes('channel') } as const;
  return {
    ...(Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, toHex(fieldToBytes(value))]),
    ) as Record<keyof typeof fields, string>),
    binding: toHex(bindingOf({ closureDigest, treeRoot, ...digests })),
    freshness: toHex(freshnessOf(bytes('nonce'), channel, epoch)),
  };
}

function snpOutputsOf({ product, kind, closureDigest, ...inputs }: VectorInputs) {
  const bytes = (name: Exclude<keyof typeof inputs, 'svns'>) => fromHex(String(inputs[name]), name);
  const [fmc, bootLoader, tee, snp, microcode] = fromHex(inputs.svns, 'svns') as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const chip = chipSnp(bytes('chipId'));
  const tcb = tcbSnp({ fmc, bootLoader, tee, snp, microcode });
  return {
    issuerSnp: issuerSnp(product, kind, bytes('modulus')),
    chipSnp: chip,
    tcbSnp: tcb,
    vekSnp: vekSnp({ product, kind, publicKey: bytes('vekKey'), chip, tcb }),
    referenceSnp: referenceSnp(bytes('measurement'), fromHex(closureDigest, 'closure digest')),
    levelSnp: levelSnp(product, tcb),
  };
}

export function makeVectors(): FormulaVector[] {
  const named: [string, VectorInputs][] = [
    ['zeros', inputsFrom((_, length) => '00'.repeat(length), 0)],
    ['ones', inputsFrom((_, length) => 'ff'.repeat(length), 65_535)],
    ...[1, 2, 3].map((n): [string, VectorInputs] => [
      `drawn ${n}`,
      inputsFrom((what, length) => drawn(`${what} ${n}`, length), 300 * n + 7),
    ]),
  ];
  return named.map(([name, inputs]) => ({ name, inputs, outputs: outputsOf(inputs) }));
}

export function vectorsText(): string {
  return `${JSON.stringify(makeVectors(), null, 2)}\n`;
}

if (import.meta.main) writeFileSync(vectorsFile, vectorsText());
