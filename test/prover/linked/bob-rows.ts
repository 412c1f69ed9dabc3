/**
 * What Bob refuses, and with which checks: each row changes one thing of a scene that he accepts. Run with tools that are sound by
 * definition (bob.test.ts) and with real proofs (bob-proofs.test.ts).
 */
import type { LinkedProofFile } from '#prover/linked/proof-file.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { utf8 } from '#verifier/bytes.ts';
import { keyPart, type Row, shownRows } from './bob-rows-shown.ts';
import { hexOf, now, until } from './bob-scene.ts';

export type { Row, Scenes } from './bob-rows-shown.ts';

const machinePart = (change: Partial<LinkedProofFile['machine']>) => ({
  file: (file: LinkedProofFile): LinkedProofFile => ({
    ...file,
    machine: { ...file.machine, ...change },
  }),
});
const shownPart = (change: object) => ({
  file: (file: LinkedProofFile): LinkedProofFile => {
    if (file.response.kind !== 'text') throw new Error('a scene that shows parts');
    const disclosure = { ...file.response.disclosure, ...change };
    return { ...file, response: { ...file.response, disclosure } };
  },
});
const artifact = 'cd'.repeat(32);

export const rows: readonly Row[] = [
  {
    name: 'C_key of another machine: the link is broken',
    changes: ({ other }) => ({
      file: (file) => ({ ...file, keyCommitment: other.file.keyCommitment }),
    }),
    failing: ['link.key', 'link.machine'],
    decision: 'invalid',
  },
  {
    name: 'C_att of another attestation: the link is broken',
    changes: ({ other }) => ({
      file: (file) => ({ ...file, attestation: other.file.attestation }),
    }),
    failing: ['link.machine', 'link.response'],
    decision: 'invalid',
  },
  {
    name: 'another audience',
    changes: () => ({ given: { audience: 'carol.example' } }),
    failing: ['link.response'],
    decision: 'invalid',
  },
  {
    name: 'another nonce',
    changes: () => ({ given: { nonce: new Uint8Array(32).fill(1) } }),
    failing: ['link.response'],
    decision: 'invalid',
  },
  {
    name: 'another response',
    changes: ({ scene }) => {
      const response = { ...scene.story.response, body: utf8('Paid nothing.') };
      return { given: { response: utf8(encodeResponse(response)) } };
    },
    failing: ['link.response'],
    decision: 'invalid',
  },
  {
    name: 'a response that cannot be read',
    changes: () => ({ given: { response: utf8('<html>') } }),
    failing: ['link.message'],
    decision: 'invalid',
  },
  {
    name: 'an artefact of another release',
    changes: () => ({
      file: (file) => ({
        ...file,
        machine: { ...file.machine, proof: { ...file.machine.proof, artifact } },
      }),
    }),
    failing: ['link.artifacts'],
    decision: 'invalid',
  },
  {
    name: 'an issuer of another hierarchy',
    changes: ({ other }) => keyPart({ issuer: other.story.intel.pckCa.der }),
    failing: ['link.issuer', 'link.key'],
    decision: 'invalid',
  },
  {
    name: 'an issuer that is a PCK certificate',
    changes: ({ scene }) => keyPart({ issuer: scene.story.intel.pck.der }),
    failing: ['link.issuer'],
    decision: 'invalid',
  },
  {
    name: 'another time in the certificate’s proof',
    changes: () => keyPart({ at: fakeNow - 1 }),
    failing: ['link.key'],
    decision: 'invalid',
  },
  {
    name: 'a time that no calendar has',
    changes: () => keyPart({ at: 2 ** 53 - 1 }),
    failing: ['link.key', 'link.certificate-age'],
    decision: 'invalid',
  },
  {
    name: 'other epochs than were proved',
    changes: () => machinePart({ epochMin: fakeNow - 299 }),
    failing: ['link.machine'],
    decision: 'invalid',
  },
  {
    name: 'a nonce of the attestation that was not proved',
    changes: () => ({
      ...machinePart({ nonce: new Uint8Array(32).fill(7) }),
      demands: { attestationNonce: '07'.repeat(32) },
    }),
    failing: ['link.machine'],
    decision: 'invalid',
  },
  {
    name: 'a set of accepted software that was not proved',
    changes: () => ({
      ...machinePart({ accepted: 5n }),
      demands: { accepted: [{ root: hexOf(5n), until }] },
    }),
    failing: ['link.machine'],
    decision: 'invalid',
  },
  {
    name: 'accepted software that is not his',
    changes: () => ({ demands: { accepted: [{ root: hexOf(5n), until }] } }),
    failing: ['link.accepted'],
    decision: 'rejected',
  },
  {
    name: 'TCB levels that are not his',
    changes: () => ({ demands: { levels: [{ root: hexOf(5n), until }] } }),
    failing: ['link.levels'],
    decision: 'rejected',
  },
  {
    name: 'a revoked list that has changed since',
    changes: () => ({ demands: { revoked: [{ root: hexOf(5n), until }] } }),
    failing: ['link.revoked'],
    decision: 'rejected',
  },
  ...(['accepted', 'levels', 'revoked'] as const).map(
    (name): Row => ({
      name: `a set that no longer counts: ${name}`,
      changes: ({ scene }) => {
        const sets = scene.settings.demands[name];
        return { demands: { [name]: sets.map((set) => ({ ...set, until: now - 1 })) } };
      },
      failing: [`link.${name}`],
      decision: 'rejected',
    }),
  ),
  {
    name: 'an attestation that may be too old',
    changes: () => ({ demands: { epoch: { maxAge: 419, maxFuture: 60 } } }),
    failing: ['link.epoch'],
    decision: 'rejected',
  },
  {
    name: 'an attestation that may be from the future',
    changes: () => ({
      settings: { now: fakeNow - 61 },
      demands: { responseTime: 'any', key: [{ kind: 'pck-ca', maxAge: 3600 }] },
    }),
    failing: ['link.certificate-age', 'link.epoch'],
    decision: 'rejected',
  },
  {
    name: 'an attestation for another nonce than he demands',
    changes: () => ({ demands: { attestationNonce: '07'.repeat(32) } }),
    failing: ['link.attestation-nonce'],
    decision: 'rejected',
  },
  {
    name: 'a certificate that was valid too long ago',
    changes: () => ({ demands: { key: [{ kind: 'pck-ca', maxAge: 119 }] } }),
    failing: ['link.certificate-age'],
    decision: 'rejected',
  },
  {
    name: 'a certified key where a published one is demanded',
    changes: ({ member }) => ({ demands: { key: member.settings.demands.key.slice(1, 2) } }),
    failing: ['link.key-kind'],
    decision: 'rejected',
  },
  {
    name: 'a published key where a certified one is demanded',
    of: 'member',
    changes: ({ scene }) => ({ demands: { key: scene.settings.demands.key.slice(0, 1) } }),
    failing: ['link.key-kind'],
    decision: 'rejected',
  },
  {
    name: 'a set of keys that is not his',
    of: 'member',
    changes: () => ({ demands: { key: [{ kind: 'veks', roots: [{ root: hexOf(5n), until }] }] } }),
    failing: ['link.key'],
    decision: 'invalid',
  },
  {
    name: 'a set of keys that no longer counts',
    of: 'member',
    changes: ({ member }) => {
      const root = hexOf(member.story.sets.veks.root);
      return { demands: { key: [{ kind: 'veks', roots: [{ root, until: now - 1 }] }] } };
    },
    failing: ['link.veks'],
    decision: 'rejected',
  },
  ...shownRows,
  {
    name: 'another service',
    changes: () => ({ demands: { services: ['echo-cpp'] } }),
    failing: ['link.service'],
    decision: 'rejected',
  },
  {
    name: 'a response that is too old',
    changes: () => ({ demands: { responseTime: { maxAge: 59, maxFuture: 60 } } }),
    failing: ['link.response-time'],
    decision: 'rejected',
  },
  {
    name: 'a response from the future',
    changes: () => ({
      settings: { now: fakeNow + 59 },
      demands: { responseTime: { maxAge: 600, maxFuture: 0 } },
    }),
    failing: ['link.response-time'],
    decision: 'rejected',
  },
  {
    name: 'a part that must be shown and is hidden',
    of: 'text',
    changes: () => ({ demands: { mustShow: ['requestHash'] } }),
    failing: ['link.disclosure'],
    decision: 'rejected',
  },
  {
    name: 'a hidden time where a window is demanded',
    of: 'text',
    changes: () => ({ ...shownPart({ time: null }), demands: { mustShow: [] } }),
    failing: ['link.response', 'link.response-time'],
    decision: 'invalid',
  },
  {
    name: 'shown bytes that are not the response’s',
    of: 'text',
    changes: () => shownPart({ shown: [{ at: 0, bytes: utf8('Paid 99.50') }] }),
    failing: ['link.response'],
    decision: 'invalid',
  },
  ...(
    [
      ['nonce', { clientNonce: new Uint8Array(32) }],
      ['time', { time: 0 }],
      ['request', { requestHash: new Uint8Array(32) }],
    ] as const
  ).map(
    ([name, change]): Row => ({
      name: `a ${name} of zeros, which stands for hidden`,
      of: 'text',
      changes: () => shownPart(change),
      failing: ['link.file'],
      decision: 'invalid',
    }),
  ),
  {
    name: 'a response beside a proof that shows parts of one',
    of: 'text',
    changes: ({ scene }) => ({ given: { response: scene.given.response } }),
    failing: ['link.message'],
    decision: 'invalid',
  },
];
