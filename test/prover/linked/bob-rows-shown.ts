/** What a row of bob-rows.ts is, and the rows of a key whose certificate is shown. */
import type { LinkedProofFile } from '#prover/linked/proof-file.ts';
import type { LinkedCheckId } from '#verifier/catalogue/linked.ts';
import type { Changes, Scene } from './bob-scene.ts';

/**
 * A certified key and a whole response; a key of a set; parts of a response; a key that is shown; the first of another machine and
 * attestation.
 */
export type Scenes = Readonly<Record<'scene' | 'member' | 'text' | 'shown' | 'other', Scene>>;

export type Row = {
  name: string;
  /** Default: `scene`. */
  of?: 'scene' | 'member' | 'text' | 'shown';
  changes: (scenes: Scenes) => Changes;
  failing: LinkedCheckId[];
  decision: 'invalid' | 'rejected';
};

/** The file with another part of its key. */
export const keyPart = (change: object) => ({
  file: (file: LinkedProofFile): LinkedProofFile => ({
    ...file,
    key: { ...file.key, ...change } as LinkedProofFile['key'],
  }),
});

export const shownRows: readonly Row[] = [
  {
    name: 'a shown certificate with another salt',
    of: 'shown',
    changes: () => keyPart({ salt: 5n }),
    failing: ['link.key'],
    decision: 'invalid',
  },
  {
    name: 'the certificate of another machine, of another hierarchy',
    of: 'shown',
    changes: ({ other: { story } }) =>
      keyPart({ certificates: [story.intel.pck.der, story.intel.pckCa.der] }),
    failing: ['link.issuer', 'link.certificate-crl', 'link.key'],
    decision: 'invalid',
  },
  {
    name: 'a CA in the place of the certificate that is shown',
    of: 'shown',
    changes: ({ scene: { story } }) =>
      keyPart({ certificates: [story.intel.pckCa.der, story.intel.pckCa.der] }),
    failing: ['link.certificate'],
    decision: 'invalid',
  },
  {
    name: 'a key that is shown where a hidden one is demanded',
    of: 'shown',
    changes: ({ shown }) => ({ demands: { key: shown.settings.demands.key.slice(0, 2) } }),
    failing: ['link.key-kind'],
    decision: 'rejected',
  },
  {
    name: 'a key that is shown, of another vendor than is demanded',
    of: 'shown',
    changes: () => ({ demands: { key: [{ kind: 'shown', vendors: ['amd'] }] } }),
    failing: ['link.key-kind'],
    decision: 'rejected',
  },
];
