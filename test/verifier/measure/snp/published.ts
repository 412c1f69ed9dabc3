/**
 * Launch digests that others published, as facts: the test suites of virtee/sev-snp-measure (8f2b337; before its commit ae95e59
 * for hosts with a zero floating-point state; before 4a02bf0 for EC2's older RDX) and of virtee/sev (9cf2adb), which agree
 * wherever both have a case. Kernel and initrd are empty in all of them.
 */
import type { Vmm } from '#verifier/measure/snp/vmsa.ts';

/** The digest after the pages of an image, what its tables say, and the file that holds it in those test suites. */
export type PublishedFirmware = {
  file: string;
  hash: string;
  apResetVector: number;
  /** GPA, length, type. */
  sections: readonly (readonly [number, number, number])[];
  hashTable: readonly [number, number];
};

/** edk2-stable202405, OvmfPkg/AmdSev: its last 4 KiB. The hash is published itself. */
export const amdSev: PublishedFirmware = {
  file: 'ovmf_AmdSev_suffix.bin',
  hash: '086e2e9149ebf45abdc3445fba5b2da8270bdbb04094d7a2c37faaa4b24af3aa16aff8c374c2a55c467a50da6d466b74',
  apResetVector: 0x80b004,
  sections: [
    [0x800000, 0x9000, 1],
    [0x80a000, 0x3000, 1],
    [0x80d000, 0x1000, 2],
    [0x80e000, 0x1000, 3],
    [0x80f000, 0x1000, 4],
    [0x810000, 0x1000, 16],
    [0x811000, 0xf000, 1],
  ],
  hashTable: [0x810c00, 0x400],
};

/** edk2-stable202405, OvmfPkg/OvmfPkgX64: its last 4 KiB. The hash was made of that file. */
export const ovmfX64: PublishedFirmware = {
  file: 'ovmf_OvmfX64_suffix.bin',
  hash: 'b91e6fec73d2bcc57ad5fd400a426ce02731c22ea92bc894ce675e7c9921a822977d6cf025b85f8ef4f264bff8839d20',
  apResetVector: 0x80b004,
  sections: [
    [0x800000, 0x9000, 1],
    [0x80a000, 0x3000, 1],
    [0x80d000, 0x1000, 2],
    [0x80e000, 0x1000, 3],
    [0x80f000, 0x1000, 4],
    [0x810000, 0x10000, 1],
  ],
  hashTable: [0, 0],
};

export type PublishedCase = {
  firmware: PublishedFirmware;
  vmm: Vmm;
  vcpus: number;
  features: bigint;
  /** Null: nothing is booted directly. */
  append: string | null;
  digest: string;
};

const quiet = 'console=ttyS0 loglevel=7';
const row = (
  firmware: PublishedFirmware,
  vmm: Vmm,
  vcpus: number,
  features: bigint,
  append: string | null,
  digest: string,
): PublishedCase => ({ firmware, vmm, vcpus, features, append, digest });

/** The signature is that of EPYC-v4, 0x800f12, where the VMM sets one. */
export const published: readonly PublishedCase[] = [
  row(
    amdSev,
    'qemu',
    1,
    0x21n,
    '',
    '329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef198',
  ),
  row(
    amdSev,
    'qemu',
    1,
    0x1n,
    '',
    'ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5',
  ),
  row(
    amdSev,
    'qemu',
    1,
    0x21n,
    quiet,
    '803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb28c653360fe4b3aba7e534442e7e1e17895dfe778d0228977',
  ),
  row(
    amdSev,
    'qemu',
    1,
    0x1n,
    quiet,
    '6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa',
  ),
  row(
    amdSev,
    'qemu',
    1,
    0x21n,
    null,
    'e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af9b63f6e8a1674dbf281a9278a4a2ebe0eed9f22adbcd0e2b',
  ),
  row(
    amdSev,
    'qemu',
    1,
    0x1n,
    null,
    '19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ecabe033c48dd6f6db5d6d76e7c5df632d',
  ),
  row(
    amdSev,
    'qemu',
    4,
    0x21n,
    '',
    '4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942',
  ),
  row(
    amdSev,
    'qemu',
    4,
    0x1n,
    '',
    '5061fffb019493a903613d56d54b94912a1a2f9e4502385f5c194616753720a92441310ba6c4933de877c36e23046ad5',
  ),
  row(
    amdSev,
    'ec2',
    1,
    0x21n,
    '',
    '0ce9ccc06bab55eebe8abc234f3df6514883977a68a591b71052498ab52b2f1aa415db338033946ef93aa8278c0d67fb',
  ),
  row(
    amdSev,
    'ec2',
    1,
    0x1n,
    '',
    '0883bd0eeb716e65b7b977a321c278d1e51b33b5c655fab985443bbcc65c086b9c15e8a0bd8811050dec7e24964e5056',
  ),
  row(
    amdSev,
    'ec2-rdx-0',
    1,
    0x21n,
    '',
    '6ae80856486b1396af8c82a40351d6ed76a20c785e9c7fa4ffa27c22d5d6313b4b3b458cd3c9968e6f89fb5d8450d7a6',
  ),
  row(
    amdSev,
    'ec2-rdx-0',
    1,
    0x1n,
    '',
    '7d3756157c805bf6adf617064c8552e8c1688fa1c8756f11cbf56ba5d25c9270fb69c0505c1cbe1c5c66c0e34c6ed3be',
  ),
  row(
    amdSev,
    'gce',
    1,
    0x1n,
    '',
    '5da7106cf14cf46b1725ebab123eb9e53bd46a1e9f400cd0c08e7827b04b688ea8b4e403c8404efed4397ea5d5d0722e',
  ),
  row(
    amdSev,
    'gce',
    4,
    0x1n,
    '',
    '5c5debf100fc339f90276e761ee1f1658d08922c3b20e2a2e6c7a6c3370b2452a15a00eae11886a93d6fd1e7ab81e29d',
  ),
  row(
    ovmfX64,
    'qemu',
    1,
    0x21n,
    null,
    '28797ae0afaba4005a81e629acebfb59e6687949d6be44007cd5506823b0dd66f146aaae26ff291eed7b493d8a64c385',
  ),
  row(
    ovmfX64,
    'qemu',
    1,
    0x1n,
    null,
    'da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df21e5b49e21523a9ad993afdb6a30b4005',
  ),
];

/** Coconut SVSM bebb485a as QEMU 0e64fb84 started it on a host of before Linux 6.10: published as measured by hardware. */
export const publishedSvsm = {
  firmware: 'svsm_ovmf.fd',
  svsm: 'svsm.bin',
  varsLength: 540672,
  /** Both images' pages; the hash was made of those files. */
  hash: 'ebf48785b708f9397dd8098fd64ba2d961aa6fcb15ee55616d19208f236a2828c50ebee83800be4d54bb3ac0ae1fcc7e',
  flashLength: 3653632,
  tables: {
    image: 1138688,
    sections: [
      [0x0, 0x9e000, 1],
      [0x9e000, 0x1000, 2],
      [0x9f000, 0x1000, 3],
    ],
    hashTable: [0, 0],
    svsmEntry: 0,
  },
  vmm: 'qemu-fpu-0',
  digests: {
    2: '4ae03ca013690e956bc1eb16bc1c6465788dba64ad88a650db09216fa9cdddf06167bfce810eba8988108e71458dd68b',
    4: '265aed64f2454253f6b19e49e17041ef052dedf964dd8d2740794a06aee3a720c475e3643a1b7e26b9efce7a107bf77f',
  },
} as const;

export const epycV4 = 0x800f12;
