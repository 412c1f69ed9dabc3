/**
 * What links one proof to the next (protocol, "Linked proofs"). Noir twin: circuits/lib/linked. Numbers of more than 31
 * bytes are written in limbs of 16.
 */
import { type Bytes, fromBigEndian } from '#verifier/bytes.ts';
import { type Field, hiLo, limbs, p2 } from '#verifier/field.ts';

/** A PCK as its certificate states it. */
export type Pck = {
  /** x ‖ y, 64 bytes: the certified key. */
  readonly publicKey: Bytes;
  readonly chip: Field;
  readonly serial: Field;
  /** 6 bytes. */
  readonly fmspc: Bytes;
  /** The certificate's 16 component SVNs. */
  readonly cpuSvn: Bytes;
  readonly pceSvn: number;
};

/** issuer = P2(issuer-tdx; limbs(x), limbs(y)) of the PCK CA, whose key is x ‖ y, 64 bytes. */
export function issuerTdx(publicKey: Bytes): Field {
  return p2('issuer-tdx', ...limbs(publicKey));
}

/** chip = P2(chip-tdx; PPID) */
export function chipTdx(ppid: Bytes): Field {
  return p2('chip-tdx', integer(ppid));
}

/** serial = P2(serial; issuer, certificate's serial number) */
export function serial(issuer: Field, serialNumber: Bytes): Field {
  return p2('serial', issuer, integer(serialNumber));
}

/** vek = P2(vek-tdx; limbs(x), limbs(y), chip, serial, FMSPC, CPUSVN, PCESVN) */
export function vekTdx(pck: Pck): Field {
  const { publicKey, chip, serial, fmspc, cpuSvn, pceSvn } = pck;
  const tcb = [integer(fmspc), integer(cpuSvn), BigInt(pceSvn)];
  return p2('vek-tdx', ...limbs(publicKey), chip, serial, ...tcb);
}

/** C_key = P2(vek-commitment; vek, salt) */
export function keyCommitment(vek: Field, salt: Field): Field {
  return p2('vek-commitment', vek, salt);
}

/** reference = P2(reference-snp; limbs(MEASUREMENT), hi, lo of closure digest) */
export function referenceSnp(measurement: Bytes, closureDigest: Bytes): Field {
  return p2('reference-snp', ...limbs(measurement), ...hiLo(closureDigest));
}

/** MRTD and the four RTMRs, 48 bytes each. */
export type Registers = { readonly mrTd: Bytes; readonly rtmr: readonly Bytes[] };

/** reference = P2(reference-tdx; limbs(MRTD ‖ RTMR0 ‖ RTMR1 ‖ RTMR2 ‖ RTMR3), hi, lo of closure digest) */
export function referenceTdx({ mrTd, rtmr }: Registers, closureDigest: Bytes): Field {
  const registers = [mrTd, ...rtmr].flatMap(limbs);
  return p2('reference-tdx', ...registers, ...hiLo(closureDigest));
}

/** A TCB level of one FMSPC. */
export type LevelTdx = {
  /** 6 bytes. */
  readonly fmspc: Bytes;
  /** 16 component SVNs. */
  readonly cpuSvn: Bytes;
  readonly pceSvn: number;
  /** 16 bytes. */
  readonly teeTcbSvn: Bytes;
  readonly qeIsvSvn: number;
};

/** level = P2(level-tdx; FMSPC, CPUSVN, PCESVN, TEE_TCB_SVN, QE ISVSVN) */
export function levelTdx(level: LevelTdx): Field {
  const { fmspc, cpuSvn, pceSvn, teeTcbSvn, qeIsvSvn } = level;
  const svns = [integer(cpuSvn), BigInt(pceSvn), integer(teeTcbSvn), BigInt(qeIsvSvn)];
  return p2('level-tdx', integer(fmspc), ...svns);
}

/** What C_att commits to; whoever opens it needs all of it. */
export type AttestationOpening = {
  readonly treeRoot: Field;
  readonly reference: Field;
  /** Seconds. */
  readonly epoch: number;
  /** 31 random bytes as an integer. */
  readonly salt: Field;
};

/** C_att = P2(attestation; tree root, reference, epoch, salt) */
export function attestationCommitment(opening: AttestationOpening): Field {
  const { treeRoot, reference, epoch, salt } = opening;
  return p2('attestation', treeRoot, reference, BigInt(epoch), salt);
}

function integer(bytes: Bytes): bigint {
  return fromBigEndian(bytes);
}
