/** What can be changed in genuine collateral without Intel's keys, and every boundary in time that it has. */

import { readDerObjects, readPemChain } from '#verifier/abi/pem.ts';
import { parseQeIdentity } from '#verifier/abi/qe-identity.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { parseTcbInfo } from '#verifier/abi/tcb-info.ts';
import {
  type Bytes,
  concat,
  equalBytes,
  fromHex,
  fromUtf8,
  toBase64,
  toHex,
  utf8,
} from '#verifier/bytes.ts';
import { parseCertificate, parseRevocationList } from '#verifier/chain/x509.ts';
import type { Sample } from './diff-parties.ts';
import { flipLast, type Mutant, pem, twinOf } from './diff-quote-mutants.ts';

/** Genuine files that a sample's own are replaced with. */
export type Others = {
  /** The collateral of a quote of the other kind. */
  otherTee: Sample;
  /** The collateral of a quote of the same kind, of other hardware and another time. */
  otherPlatform: Sample;
  /** The TCB signer of 2018 to 2025, PEM with its root. */
  formerSigningChain: Bytes;
  /** The root's list of 2024 to 2025. */
  formerRootCrl: Bytes;
};

export function collateralMutants(sample: Sample, others: Others): Mutant[] {
  return [
    ...documentMutants(sample, others, 'tcbInfo'),
    ...documentMutants(sample, others, 'qeIdentity'),
    ...signerMutants(sample, others, 'tcbSigningChain'),
    ...signerMutants(sample, others, 'qeIdentitySigningChain'),
    ...listMutants(sample, others, 'pckCrl'),
    ...listMutants(sample, others, 'rootCaCrl'),
    ...timeMutants(sample),
  ].map(([name, changes]) => {
    const unchanged = Object.entries(changes).every(([key, value]) => {
      const before = sample[key as keyof Sample];
      return (
        value instanceof Uint8Array && before instanceof Uint8Array && equalBytes(value, before)
      );
    });
    if (unchanged) throw new RangeError(`${name}: nothing is changed`);
    return { name, sample: { ...sample, ...changes } };
  });
}

type Change = [name: string, changes: Partial<Sample>];

const documents = {
  tcbInfo: { title: 'TCB info', other: 'qeIdentity' },
  qeIdentity: { title: 'QE identity', other: 'tcbInfo' },
} as const;

function* documentMutants(
  sample: Sample,
  { otherTee, otherPlatform }: Others,
  which: 'tcbInfo' | 'qeIdentity',
): Generator<Change> {
  const { title, other } = documents[which];
  const file = fromUtf8(sample[which], title).trim();
  const signature = /"signature":"([0-9a-fA-F]{128})"\}$/.exec(file)?.[1] as string;
  const otherSignature = /([0-9a-fA-F]{128})"\}\s*$/.exec(fromUtf8(sample[other], title))?.[1];
  const change = (name: string, text: string): Change => [
    `${title}: ${name}`,
    { [which]: utf8(text) },
  ];
  const resigned = (hex: string) => file.replace(signature, hex);
  yield [`${title}: that of the other kind of quote`, { [which]: otherTee[which] }];
  yield [`${title}: that of other hardware and time`, { [which]: otherPlatform[which] }];
  yield [`${title}: the other document in its place`, { [which]: sample[other] }];
  yield change('empty', '');
  yield change('cut off', file.slice(0, -100));
  yield change('reserialised with spaces', JSON.stringify(JSON.parse(file), null, 1));
  yield change('a space inside what is signed', file.replace('"version":', '"version": '));
  yield change('white space after it', `${file}\n`);
  const otherStatus = (status: string) => (status === 'UpToDate' ? 'OutOfDate' : 'UpToDate');
  yield change(
    'another status',
    file.replace(/(?<="tcbStatus":")\w+/, (status) => otherStatus(status)),
  );
  yield change('another date', file.replace(/"nextUpdate":"20\d\d/, '"nextUpdate":"2049'));
  yield change('a member more', file.replace('"version":', '"extra":1,"version":'));
  yield change('a member twice', file.replace(/"version":(\d),/, '"version":$1,"version":$1,'));
  yield change(
    'signature’s twin',
    resigned(toHex(twinOf(fromHex(signature.toLowerCase(), 'signature')))),
  );
  yield change('signature in upper case', resigned(signature.toUpperCase()));
  yield change('signature zero', resigned('0'.repeat(128)));
  yield change('signature cut off', resigned(signature.slice(2)));
  yield change(
    'a bit of the signature',
    resigned(toHex(flipLast(fromHex(signature.toLowerCase(), 'signature')))),
  );
  yield change('signature of the other document', resigned(otherSignature as string));
}

const chains = {
  tcbSigningChain: 'TCB info’s signing chain',
  qeIdentitySigningChain: 'QE identity’s signing chain',
} as const;

function* signerMutants(
  sample: Sample,
  { formerSigningChain }: Others,
  which: keyof typeof chains,
): Generator<Change> {
  const certificates = readDerObjects(sample[which], 'CERTIFICATE', 'signing chain');
  const [signer, root] = certificates as [Bytes, Bytes];
  const [former] = readDerObjects(formerSigningChain, 'CERTIFICATE', 'signing chain') as [Bytes];
  const quote = parseQuote(sample.quote);
  const [pck, ca] = readPemChain(quote.certification.data, 'PCK chain') as [Bytes, Bytes];
  const change = (name: string, ...chain: Bytes[]): Change => [
    `${chains[which]}: ${name}`,
    { [which]: utf8(chain.map((der) => pem(der)).join('')) },
  ];
  yield change('without the root', signer);
  yield change('without the signer', root);
  yield change('the root first', root, signer);
  yield change('root twice', signer, root, root);
  yield change('signer twice', signer, signer, root);
  yield change('the former signer', former, root);
  yield change('the former signer first', former, signer, root);
  yield change('the former signer in between', signer, former, root);
  yield change('the PCK chain in its place', pck, ca, root);
  yield change('the PCK CA in its place', ca, root);
  yield change('the root under itself', root, root);
  yield change('signer’s last bit', flipLast(signer), root);
  yield change('root’s last bit', signer, flipLast(root));
  yield [`${chains[which]}: empty`, { [which]: new Uint8Array() }];
}

const lists = { pckCrl: 'PCK CRL', rootCaCrl: 'root CRL' } as const;

function* listMutants(
  sample: Sample,
  { otherTee, otherPlatform, formerRootCrl }: Others,
  which: keyof typeof lists,
): Generator<Change> {
  const der = sample[which];
  const change = (name: string, bytes: Bytes): Change => [
    `${lists[which]}: ${name}`,
    { [which]: bytes },
  ];
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  const text = `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
  if (which === 'pckCrl') yield change('that of the other CA', otherTee[which]);
  yield change('that of another time', which === 'pckCrl' ? otherPlatform[which] : formerRootCrl);
  yield change(
    'the other list in its place',
    which === 'pckCrl' ? sample.rootCaCrl : sample.pckCrl,
  );
  yield change('its last bit', flipLast(der));
  yield change('a bit of what is signed', der.with(60, (der[60] as number) ^ 1));
  yield change('cut off', der.subarray(0, -40));
  yield change('a byte after it', concat(der, Uint8Array.of(0)));
  yield change('empty', new Uint8Array());
  yield change('no list', Uint8Array.of(0x30, 0));
  yield change('PEM', utf8(text));
}

/** The last moment before each piece is good, the first and the last at which it is, and the first after. */
function* timeMutants(sample: Sample): Generator<Change> {
  const { info } = parseTcbInfo(sample.tcbInfo);
  const { identity } = parseQeIdentity(sample.qeIdentity);
  const chain = readPemChain(parseQuote(sample.quote).certification.data, 'PCK chain');
  const [signer] = readDerObjects(sample.tcbSigningChain, 'CERTIFICATE', 'chain') as [Bytes];
  const validity = (der: Bytes) => {
    const { notBefore, notAfter } = parseCertificate(der, 'certificate');
    return [notBefore, notAfter] as const;
  };
  const listValidity = (der: Bytes) => {
    const { thisUpdate, nextUpdate } = parseRevocationList(der, 'list');
    return [thisUpdate, nextUpdate] as const;
  };
  const pieces = {
    PCK: validity(chain[0] as Bytes),
    'PCK CA': validity(chain[1] as Bytes),
    root: validity(chain[2] as Bytes),
    'TCB signer': validity(signer),
    'TCB info': [info.issueDate, info.nextUpdate],
    'QE identity': [identity.issueDate, identity.nextUpdate],
    'PCK CRL': listValidity(sample.pckCrl),
    'root CRL': listValidity(sample.rootCaCrl),
  } as const;
  for (const [name, [from, to]] of Object.entries(pieces)) {
    yield [`time: just before the ${name}`, { at: from - 1 }];
    yield [`time: first of the ${name}`, { at: from }];
    yield [`time: last of the ${name}`, { at: to }];
    yield [`time: just after the ${name}`, { at: to + 1 }];
  }
}
