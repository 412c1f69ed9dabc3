/** Certificates that are rightly signed and wrong in one way, and what the circuit says to them. */
import { amdExtensions, amdOids } from '#test/fake/amd-profile.ts';
import {
  type CertificatePlan,
  type Change,
  type Extension,
  removeExtension,
  replaceExtension,
} from '#test/fake/certificates.ts';
import * as der from '#test/fake/der.ts';
import { extension } from '#test/fake/extensions.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { outOfRange } from './inputs.ts';
import type { Sort } from './vek-certificates.ts';

export const wrongForm = "the certificate is not of the VEK's form";
export const wrongEnd = 'the extensions do not end with the certificate';
const notLast = 'the last extension does not end with the certificate';
const wrongId = "the chip's id is not as long as its product's";
const reserved = 'a reserved security patch level is not 0';
const wrongLevel = 'a security patch level is out of range';

/** Some extensions exchanged for others of the same OID. */
export const put =
  (...others: readonly Extension[]): Change<CertificatePlan> =>
  ({ extensions }) => ({ extensions: others.reduce(replaceExtension, extensions) });

export const { spl } = amdExtensions;
const asInteger = (n: number, value: Bytes) => extension(amdOids.spl(n), false, value);
const raw = (...bytes: number[]) => der.tlv(2, Uint8Array.from(bytes));

export const milan: Sort = { product: 'Milan', role: 'vcek' };
export const milanVlek: Sort = { product: 'Milan', role: 'vlek' };
export const turin: Sort = { product: 'Turin', role: 'vcek' };

const without =
  (oid: string): Change<CertificatePlan> =>
  ({ extensions }) => ({
    extensions: removeExtension(extensions, oid),
  });
const another = extension('1.3.6.1.4.1.3704.1.9', false, der.derNull());
const hardwareId = (length: number) => amdExtensions.hardwareId(new Uint8Array(length).fill(7));
const subjectOf =
  (value: string): Change<CertificatePlan> =>
  ({ subject }) => ({
    subject: subject.with(-1, { type: 'CN', value, string: 'utf8' }),
  });
export const issuerOf =
  (value: string): Change<CertificatePlan> =>
  ({ issuer }) => ({
    issuer: issuer.with(-1, { type: 'CN', value, string: 'utf8' }),
  });
const exchanged =
  (a: number, b: number): Change<CertificatePlan> =>
  ({ extensions }) => {
    const [first, second] = [extensions[a] as Extension, extensions[b] as Extension];
    return { extensions: extensions.with(a, second).with(b, first) };
  };
const pss =
  (change: object): Change<CertificatePlan> =>
  ({ algorithm }) => ({
    innerAlgorithm: { ...algorithm, ...change } as CertificatePlan['algorithm'],
  });
/** The byte behind these, in the signed part, changed. */
const editBehind =
  (before: readonly number[], by: number): Change<CertificatePlan> =>
  ({ algorithm }) => ({
    algorithm: { ...algorithm, trailerField: true } as CertificatePlan['algorithm'],
    editToBeSigned: (tbs) => {
      const at = Buffer.from(tbs).indexOf(Uint8Array.from(before)) + before.length;
      return tbs.with(at, (tbs[at] as number) + by);
    },
  });

export const refusedVeks: readonly [
  name: string,
  sort: Sort,
  change: Change<CertificatePlan>,
  message: string | RegExp,
][] = [
  ['of version 2', milan, { version: 2 }, wrongForm],
  ['with a serial number of 1', milan, { serial: 1n }, wrongForm],
  ['with a serial number of two bytes', milan, { serial: 256n }, wrongForm],
  ['signed with a salt of 32 bytes', milan, pss({ saltLength: 32 }), wrongForm],
  ['signed with SHA-256', milan, pss({ hash: 'sha256' }), wrongForm],
  ['signed otherwise', milan, { innerAlgorithm: { name: 'rsa-pkcs1', hash: 'sha384' } }, wrongForm],
  ['of another issuer', milan, issuerOf('SEV-Genoa'), wrongForm],
  ['of an issuer of the other kind', milan, issuerOf('SEV-VLEK-Milan'), wrongForm],
  ['of an issuer of the other kind, VLEK', milanVlek, issuerOf('SEV-Milan'), wrongForm],
  ['of an issuer of another name', milan, issuerOf('SEW-Milan'), wrongForm],
  ['for a key of another name', milan, subjectOf('SEV-WCEK'), wrongForm],
  ['with a time of another type', milan, editBehind([0x30, 0x1e], 1), wrongForm],
  ['of a VLEK of another issuer', milanVlek, issuerOf('SEV-VLEK-Genoa'), wrongForm],
  ['with another trailer field', milan, editBehind([0xa3, 3, 2, 1], 1), wrongForm],
  ['with another length of the issuer', milanVlek, editBehind([0x30, 0x81], 1), wrongForm],
  [
    'of an issuer of another organization',
    milan,
    ({ issuer }) => ({ issuer: issuer.slice(1) }),
    wrongForm,
  ],
  ['for the other kind', milan, subjectOf('SEV-VLEK'), wrongForm],
  ['for the other kind, VLEK', milanVlek, subjectOf('SEV-VCEK'), wrongForm],
  ['valid beyond 2049', milan, { notAfter: 2_524_608_000 }, wrongForm],
  ['valid before 2000', milan, { notBefore: 946_684_799 }, outOfRange],
  ['without extensions', milan, { extensions: [] }, wrongForm],
  ['with a structVersion of 2', milan, put(amdExtensions.structVersion(2)), wrongForm],
  [
    'with a name of 32 characters',
    milan,
    put(amdExtensions.productName('M'.repeat(32))),
    outOfRange,
  ],
  ['with an empty name', milan, put(amdExtensions.productName('')), "the product's name is empty"],
  [
    'with a name of another type',
    milan,
    put(extension(amdOids.productName, false, der.utf8String('Milan'))),
    wrongForm,
  ],
  ['with a reserved level', milan, put(spl(4, 1)), reserved],
  ['with another reserved level', milan, put(spl(7, 200)), reserved],
  ['with a reserved level on Turin', turin, put(spl(7, 1)), reserved],
  ['with a level of 256', milan, put(spl(8, 256)), wrongLevel],
  ['with a level of 384', milan, put(spl(8, 384)), wrongLevel],
  ['with a level of −1', milan, put(spl(8, -1)), outOfRange],
  ['with a level of needless zeros', milan, put(asInteger(8, raw(0, 5))), outOfRange],
  ['with a level of 3 bytes', milan, put(asInteger(8, raw(0, 0, 200))), wrongForm],
  ['with an empty level', milan, put(asInteger(8, raw())), wrongForm],
  ['with a level of another type', milan, put(asInteger(8, der.enumerated(5))), wrongForm],
  ['without a level', milan, without(amdOids.spl(5)), wrongForm],
  [
    'with a level twice',
    milan,
    ({ extensions }) => ({ extensions: extensions.toSpliced(3, 0, spl(2, 1)) }),
    wrongForm,
  ],
  ['with levels exchanged', milan, exchanged(2, 3), wrongForm],
  ['without structVersion', milan, without(amdOids.structVersion), wrongForm],
  [
    'with hwID first',
    milan,
    ({ extensions }) => ({
      extensions: [extensions.at(-1) as Extension, ...extensions.slice(0, -1)],
    }),
    wrongForm,
  ],
  ['without hwID', milan, without(amdOids.hardwareId), wrongId],
  [
    'with hwID twice',
    milan,
    ({ extensions }) => ({ extensions: [...extensions, hardwareId(64)] }),
    notLast,
  ],
  [
    'with another extension behind',
    milan,
    ({ extensions }) => ({ extensions: [...extensions, another] }),
    notLast,
  ],
  [
    'with another extension before',
    milan,
    ({ extensions }) => ({ extensions: [another, ...extensions] }),
    wrongForm,
  ],
  ['with a critical extension', milan, put({ ...spl(1, 4), critical: true }), wrongForm],
  ['of 8 bytes of hwID', milan, put(hardwareId(8)), wrongId],
  ['of 63 bytes of hwID', milan, put(hardwareId(63)), wrongId],
  ['of 64 bytes of hwID on Turin', turin, put(hardwareId(64)), wrongId],
  [
    'of a VCEK with a CSP id',
    milan,
    ({ extensions }) => ({
      extensions: extensions.with(-1, amdExtensions.cspId('c'.repeat(62))),
    }),
    wrongForm,
  ],
  [
    'of a VCEK with a CSP id more',
    milan,
    ({ extensions }) => ({ extensions: [...extensions, amdExtensions.cspId('c')] }),
    notLast,
  ],
  [
    'of a VLEK with hwID',
    milanVlek,
    ({ extensions }) => ({ extensions: extensions.with(-1, hardwareId(64)) }),
    wrongForm,
  ],
  [
    'of a VLEK with hwID more',
    milanVlek,
    ({ extensions }) => ({ extensions: [...extensions, hardwareId(64)] }),
    notLast,
  ],
  [
    'with a CSP id of 113 characters',
    milanVlek,
    put(amdExtensions.cspId('c'.repeat(113))),
    wrongForm,
  ],
  ['with an empty CSP id', milanVlek, put(amdExtensions.cspId('')), outOfRange],
  [
    'with a CSP id of another type',
    milanVlek,
    put(extension(amdOids.cspId, false, der.utf8String('c'))),
    wrongForm,
  ],
];
