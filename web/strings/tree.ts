/** Words of the service tree's part of the evidence view. */
import type { Fault, Standing } from '../tree/model.ts';

export const treeStrings = {
  title: 'Service tree',
  note: 'The services of a machine, each with the hash of its code and its public key, are the leaves of a tree of hashes; the report binds the root. A proof shows one leaf, or its absence, and the hashes beside its road: who computes upwards and arrives at the bound root knows that it is true.',
  missing:
    'This bundle binds the root of the tree alone. To see that one service is in it, or is not, get its proof from the agent and drop it here:',
  command: 'curl -o proof.json AGENT/proofs/NAME',
  names: 'The names of its services: curl AGENT/services',
  commandWhat: 'the command',
  boundRoot: 'root that the bundle binds',
  pick: 'Tree proof (an answer of /proofs/NAME)',
  pickMore: 'Another tree proof',
  malformed: (file: string) => `${file} is no tree proof as an agent writes it:`,
  claim: (name: string, present: boolean) =>
    present ? `Claim: “${name}” is in the tree` : `Claim: “${name}” is not in the tree`,
  remove: 'Remove this proof',

  standing: {
    bound: { mark: '✓', tone: 'good' },
    stated: { mark: '✕', tone: 'bad' },
    earlier: { mark: '?', tone: 'open' },
    other: { mark: '✕', tone: 'bad' },
    nothing: { mark: '?', tone: 'open' },
    false: { mark: '✕', tone: 'bad' },
  } satisfies Record<Standing['kind'], { mark: string; tone: 'good' | 'bad' | 'open' }>,
  standingWords: {
    bound: (present: boolean) =>
      present
        ? 'Proved: the hashes lead to the very root that the report binds, so this machine’s tree holds the service with this code and this key.'
        : 'Proved: the hashes lead to the very root that the report binds, so this machine’s tree does not hold the service.',
    stated:
      'The hashes lead to the root that the bundle names, but the report does not bind what the bundle says (see the checks): nobody vouches for this root.',
    earlier: (time: string, reason: string) =>
      `It holds for an earlier tree of this machine, served from ${time} on (${reason}). The tree in force now is another: this proof says nothing of it.`,
    other:
      'The proof is whole, but of another tree: its root is not the one that the bundle binds. It says nothing of this machine.',
    nothing:
      'The proof is whole: the hashes lead to the root that it names. No bundle came that binds a root, so nobody vouches for it.',
    false: 'This proves nothing.',
  },
  faults: {
    root: 'Computed from the leaf upwards, the hashes do not lead to the root that the document names: a hash beside the road, or what the leaf says, is another than in that tree. Which one, hashes cannot tell.',
    'other-elsewhere': (bit: number) =>
      `The other leaf does not lie on this service’s road: they part at bit ${bit} of their keys, below level ${bit}, so it says nothing of this place.`,
    'other-is-own':
      'The leaf that should be another’s has this service’s own key: it would show that the service is there.',
    unfit: (message: string) => `The proof is not in its one proper form: ${message}.`,
  } satisfies Record<Fault['kind'], string | ((value: never) => string)>,

  picture: (name: string, levels: number) =>
    `The road of ${name} through the tree, ${levels} ${levels === 1 ? 'level' : 'levels'} from the root down; the steps are listed as text beside it.`,
  captions: {
    root: 'root',
    computedOnly: 'not the root',
    node: 'computed',
    sibling: 'beside, given',
    empty: 'empty',
    leaf: 'the service’s leaf',
    emptyPlace: 'nothing here',
    other: 'another’s leaf',
    onlyRoot: (end: string) => `root: ${end}`,
  },
  bit: (bit: number) => `bit ${bit}`,

  steps: 'The steps, from the leaf up',
  stepName: (name: string) =>
    `The name “${name}” gives the service’s id, the id its key; the key’s bits are the road.`,
  stepLeaf: 'The service’s value (its code and its public key) makes, with the key, the leaf:',
  stepEmpty:
    'The road ends in an empty place, which counts as zero. Nothing is stored there, so the service is not in the tree.',
  stepOther:
    'The road ends in the leaf of another key. A leaf stands as high as it can, so this service’s would be exactly here: it is not in the tree.',
  step: (depth: number, bit: number, onRight: boolean) =>
    `Level ${depth}: bit ${depth - 1} of the key is ${bit}, so the road comes from the ${onRight ? 'right' : 'left'}.`,
  withSibling: (side: string) => `With the hash on its ${side} `,
  withEmpty: (side: string) => `With the empty place on its ${side} `,
  becomes: ' it makes ',
  sides: { left: 'left', right: 'right' },
  arrives: 'It arrives at',
  named: 'The document names the root',
  bundleBinds: 'The bundle binds the root',
  equal: 'equal',
  unequal: 'NOT EQUAL',
  hash: {
    id: 'service id',
    key: 'key',
    value: 'value',
    leaf: 'leaf',
    otherKey: 'key of the other leaf',
    otherValue: 'value of the other leaf',
    otherLeaf: 'other leaf',
    sibling: (depth: number) => `hash beside the road at level ${depth}`,
    node: (depth: number) => `node above level ${depth}`,
    computed: 'computed root',
    stated: 'root in the document',
    bound: 'bound root',
  },
  service: {
    title: 'What the leaf says of the service',
    publicKey: 'public key (secp256k1, x then y)',
    narHash: 'SHA-256 of its code (NAR)',
    inClosure: 'which in the closure is',
    notInClosure: 'The closure manifest given here has no path with this hash.',
  },
} as const;
