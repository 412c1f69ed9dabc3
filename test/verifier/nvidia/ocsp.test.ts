/** OCSP: what is read, who may answer, and what an answer means for a device. */
import { expect, test } from 'vitest';
import { keyUsage } from '#test/fake/extensions.ts';
import { generateEcKey } from '#test/fake/keys.ts';
import { createRimSigner, rimNow as now } from '#test/fake/nvidia-rim.ts';
import {
  type AnswerPlan,
  answerPlan,
  issueDelegate,
  issueOcsp,
  type OcspPlan,
  ocspError,
  ocspPlan,
} from '#test/fake/ocsp.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { type Bytes, concat, fromHex, toHex } from '#verifier/bytes.ts';
import { parseOcsp } from '#verifier/chain/ocsp.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { looksLikeOcsp, ocspSections } from '#verifier/show/rim.ts';
import { type OcspSubject, verifyOcsp } from '#verifier/verify-nvidia-ocsp.ts';

// Four certificates in a chain, as any: signer stands for a device's leaf.
const { certificates, keys } = await createRimSigner();
const { signer: leaf, level3, ca, root } = certificates;
const stranger = await generateEcKey();
const day = 24 * 60 * 60;

const device: OcspSubject = {
  label: 'GPU 0',
  chain: [leaf, level3, ca, root].map(({ der }) => parseCertificate(der, 'certificate')),
};

const aboutLevel3 = (change: Partial<AnswerPlan> = {}) => answerPlan(level3, ca, now, change);
const aboutCa = (change: Partial<AnswerPlan> = {}) => answerPlan(ca, root, now, change);
const byCa = (change: Partial<AnswerPlan> = {}, plan: Partial<OcspPlan> = {}) =>
  issueOcsp(ocspPlan([aboutLevel3(change)], keys.ca, plan));
const byRoot = (change: Partial<AnswerPlan> = {}) =>
  issueOcsp(ocspPlan([aboutCa(change)], keys.root));

async function run(
  responses: readonly Bytes[],
  devices: readonly (OcspSubject | null)[] = [device],
  at = now,
): Promise<CheckResult & { ends: readonly { at: number }[] }> {
  const list = new Checklist(['collateral.gpu-revocation']);
  const ends = await verifyOcsp(list, devices, responses, at, nodeCrypto);
  return { ...(list.finish()[0] as CheckResult), ends };
}

test('a good answer about each certificate between leaf and root', async () => {
  const result = await run([byCa(), byRoot()]);
  expect([result.status, result.actual]).toEqual(['pass', '2 good answers']);
  expect(result.ends.map(({ at }) => at)).toEqual([now + day, now + day]);
});

test('none, or not all: what lacks is named', async () => {
  const none = await run([]);
  expect(none.status).toBe('skip');
  expect(none.reason).toContain(
    'GPU 0: NVIDIA Reference Value L3 GH100 002, GPU 0: NVIDIA Reference Value GH100 CA',
  );
  const half = await run([byCa()]);
  expect(half.reason).toBe(
    'lacks current OCSP answers (--ocsp) about GPU 0: NVIDIA Reference Value GH100 CA',
  );
  expect((await run([byCa(), byRoot()], [device, null])).reason).toBe(
    'lacks readable certificates of each device',
  );
  expect((await run([], [])).status).toBe('skip');
});

test.for<[string, Partial<AnswerPlan>]>([
  ['SHA-1', { hash: 'sha1' }],
  ['SHA-256', { hash: 'sha256' }],
  ['SHA-384', { hash: 'sha384' }],
  ['no parameters', { parameters: false }],
])('certificates are named by %s', async ([, change]) => {
  expect((await run([byCa(change), byRoot(change)])).status).toBe('pass');
});

test('the responder is named by its key too, and may repeat a nonce', async () => {
  const keyed = byCa({}, { byKey: true, nonce: new Uint8Array(32).fill(7) });
  expect((await run([keyed, byRoot()])).status).toBe('pass');
});

test.for<[string, Partial<AnswerPlan>, RegExp]>([
  [
    'revoked',
    { status: { revokedAt: now - day } },
    /^GPU 0: NVIDIA Reference Value L3 .* was revoked at 2026-01-14/,
  ],
  ['revoked for a reason', { status: { revokedAt: now - day, reason: 1 } }, /was revoked at/],
  ['on hold', { status: { revokedAt: now - day, reason: 6 } }, /is on hold since/],
  ['unknown', { status: 'unknown' }, /is not known to its issuer's responder/],
  [
    'revoked, in an answer that is out of date',
    { status: { revokedAt: now - day }, nextUpdate: now - 60 },
    /was revoked at/,
  ],
  [
    'revoked, in an answer without an end',
    { status: { revokedAt: now - day }, nextUpdate: null },
    /was revoked at/,
  ],
])('a certificate that is %s fails', async ([, change, reason]) => {
  const result = await run([byCa(change), byRoot()]);
  expect(result.status).toBe('fail');
  expect(result.reason).toMatch(reason);
  // A good answer beside it does not help, unless it is newer and the hold, or the doubt, was of before.
  const older = byCa({ thisUpdate: now - 2 * day });
  expect((await run([byCa(change), older, byRoot()])).status).toBe('fail');
});

test('a hold ends with a newer answer, a revocation does not', async () => {
  const newer = byCa({ thisUpdate: now - 60 });
  const hold = byCa({ status: { revokedAt: now - day, reason: 6 } });
  expect((await run([hold, newer, byRoot()])).status).toBe('pass');
  const revoked = byCa({ status: { revokedAt: now - day, reason: 1 } });
  expect((await run([revoked, newer, byRoot()])).status).toBe('fail');
  const same = byCa({ status: { revokedAt: now - day, reason: 6 }, thisUpdate: now - 60 });
  expect((await run([newer, same, byRoot()])).status).toBe('fail');
});

test.for<[string, Partial<AnswerPlan>]>([
  ['out of date', { nextUpdate: now - 1 }],
  ['from after that time', { thisUpdate: now + 1 }],
  ['without an end', { nextUpdate: null }],
  [
    'on hold, and out of date',
    { status: { revokedAt: now - day, reason: 6 }, nextUpdate: now - 1 },
  ],
])('an answer that is %s is as good as none', async ([, change]) => {
  expect((await run([byCa(change), byRoot()])).status).toBe('skip');
});

test('an answer counts up to its last second', async () => {
  expect((await run([byCa(), byRoot()], [device], now + day)).status).toBe('pass');
  expect((await run([byCa(), byRoot()], [device], now + day + 1)).status).toBe('skip');
});

test('a leaf needs no answer, but one that says revoked counts', async () => {
  const about = (status: AnswerPlan['status']) =>
    issueOcsp(ocspPlan([answerPlan(leaf, level3, now, { status })], keys.level3));
  const rest = [byCa(), byRoot()];
  expect((await run([...rest, about('good')])).status).toBe('pass');
  expect((await run([...rest, about({ revokedAt: now - 5 })])).status).toBe('fail');
});

test('answers about other certificates, and errors of a responder, are not used', async () => {
  const other = { ...level3, plan: { ...level3.plan, serial: 5n } };
  const elsewhere = issueOcsp(
    ocspPlan([answerPlan(other, ca, now, { status: 'unknown' })], stranger),
  );
  expect((await run([byCa(), byRoot(), elsewhere, ocspError(3)])).status).toBe('pass');
  expect((await run([byCa(), elsewhere, ocspError(6)])).status).toBe('skip');
});

test('one response may answer about several', async () => {
  const both = issueOcsp(
    ocspPlan([aboutCa(), answerPlan(level3, ca, now, { status: 'unknown' })], keys.root),
  );
  // The root may not speak for another issuer: the response is not believed.
  expect((await run([both])).status).toBe('fail');
  const twice = issueOcsp(ocspPlan([aboutCa(), aboutCa({ hash: 'sha1' })], keys.root));
  expect((await run([byCa(), twice])).status).toBe('pass');
});

const delegated = (change: Parameters<typeof issueDelegate>[4] = {}, by = keys.ca) => {
  const delegate = issueDelegate(ca, by, stranger, now, change);
  return byCa(
    {},
    { signer: stranger.privateKey, responder: delegate, certificates: [delegate.der] },
  );
};

test.for<[string, () => Bytes, RegExp | null]>([
  ['a delegate of the issuer', () => delegated(), null],
  [
    'a stranger',
    () => byCa({}, { signer: stranger.privateKey }),
    /^OCSP response 1: the signature is not by the key of/,
  ],
  [
    'a stranger with its own certificate',
    () => delegated({}, stranger),
    /is not by the key of NVIDIA Reference Value GH100 CA/,
  ],
  [
    'a delegate of another issuer',
    () => delegated({ issuer: root.plan.subject }),
    /is not issued by/,
  ],
  [
    'one that may not answer',
    () => delegated({ extensions: [keyUsage(['digitalSignature'])] }),
    /not certified to answer/,
  ],
  [
    'one that may sign code',
    () =>
      delegated({
        extensions: [
          { oid: '2.5.29.37', critical: true, value: fromHex('300a06082b06010505070303', 'use') },
        ],
      }),
    /not certified to answer/,
  ],
  [
    'one with an unknown critical extension',
    () =>
      delegated({ extensions: [{ oid: '1.2.3', critical: true, value: fromHex('0500', 'null') }] }),
    /unknown critical extension 1\.2\.3/,
  ],
  ['one that has expired', () => delegated({ notAfter: now - 1 }), /is not valid at this time/],
  [
    'one that is not valid yet',
    () => delegated({ notBefore: now + 1 }),
    /is not valid at this time/,
  ],
  ['a delegate that is not there', () => byCa({}, { responder: leaf }), /is signed by neither/],
  [
    'the certificate itself',
    () =>
      byCa({}, { signer: keys.level3.privateKey, responder: level3, certificates: [level3.der] }),
    /not certified to answer/,
  ],
])('signed by %s', async ([, make, wrong]) => {
  const { status, reason } = await run([make(), byRoot()]);
  expect(status).toBe(wrong === null ? 'pass' : 'fail');
  if (wrong !== null) expect(reason).toMatch(wrong);
});

test('what was changed after it was signed is not believed', async () => {
  const good = byCa();
  // thisUpdate, one hour before the moment of the scene.
  const at = toHex(good).lastIndexOf(toHex(new TextEncoder().encode('20260115110000Z'))) / 2;
  const changed = good.with(at + 10, 0x31);
  expect((await run([changed, byRoot()])).status).toBe('fail');
});

const edit = (from: string, to: string) => {
  const hex = toHex(byCa());
  if (!hex.includes(from) || from.length !== to.length) throw new RangeError('nothing to change');
  return fromHex(hex.replace(from, to), 'response');
};

test.for<[string, () => Bytes, string]>([
  ['nothing', () => new Uint8Array(), 'der-malformed'],
  ['bytes after it', () => concat(byCa(), new Uint8Array(1)), 'der-malformed'],
  ['an unknown status of the response', () => ocspError(4), 'der-malformed'],
  ['a later status of the response', () => ocspError(7), 'der-malformed'],
  ['success without a response', () => ocspError(0), 'der-malformed'],
  ['an error with a response', () => edit('0a0100a0', '0a0103a0'), 'der-malformed'],
  [
    'another kind of response',
    () => edit('06092b0601050507300101', '06092b0601050507300103'),
    'der-malformed',
  ],
  ['an unknown hash', () => byCa({ hash: 'sha512' }), 'der-malformed'],
  ['another status of a certificate', () => edit('8000180f', '8300180f'), 'der-malformed'],
  [
    'a status with a content',
    () => byCa({}, { edit: (bytes) => fromHex(toHex(bytes).replace('8000', '8001'), 'bytes') }),
    'der-malformed',
  ],
  [
    'a reason that does not exist',
    () => byCa({ status: { revokedAt: now, reason: 7 } }),
    'der-malformed',
  ],
  ['UTCTime', () => edit('180f323032363031', '170f323032363031'), 'der-malformed'],
  [
    'a time that is none',
    () =>
      edit(
        toHex(new TextEncoder().encode('20260115110000Z')),
        toHex(new TextEncoder().encode('20261315110000Z')),
      ),
    'der-malformed',
  ],
  [
    'another signature algorithm',
    () => edit('06082a8648ce3d040303', '06082a8648ce3d040304'),
    'certificate-profile',
  ],
  ['too much', () => new Uint8Array(16 * 1024 * 1024), 'too-large'],
])('refuses %s', async ([, make, code]) => {
  const bytes = make();
  expect(codeOf(() => parseOcsp(bytes, 'response'))).toBe(code);
  expect(looksLikeOcsp(bytes)).toBe(false);
  expect((await run([byCa(), byRoot(), bytes])).status).toBe('fail');
});

test('is recognised and shown', () => {
  expect(looksLikeOcsp(byCa())).toBe(true);
  const held = byCa({ status: { revokedAt: now, reason: 6 } });
  const [about, answer] = ocspSections(held);
  expect(about?.title).toBe('OCSP response');
  expect(answer?.fields.find(({ name }) => name === 'status')?.value).toBe(
    'revoked at 2026-01-15T12:00:00Z, certificateHold',
  );
  expect(ocspSections(ocspError(3))[0]?.fields).toHaveLength(1);
});

test('a bit changed anywhere: never another good answer', async () => {
  const good = byCa();
  const others: number[] = [];
  for (let at = 0; at < good.length; at += 7) {
    const changed = good.with(at, (good[at] as number) ^ (1 << (at % 8)));
    if ((await run([changed, byRoot()])).status === 'pass') others.push(at);
  }
  expect(others).toEqual([]);
});
