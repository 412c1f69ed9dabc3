/** Words of the event log's part of the evidence view. */
import type { Mark, RegisterStatus, Vouched } from '../events/model.ts';
import type { RowProof } from '../events/proofs.ts';
import { count, counted } from './lists.ts';

export const eventsStrings = {
  title: 'Event log',
  note: 'Firmware and boot loader write down what they start, and extend a register with the digest of each step. If replaying the log gives the value that was quoted, the log tells the truth about those digests.',
  unreadable: 'An event log came with this evidence, but it cannot be read:',
  what: 'events',

  fits: (names: string) => `The log tells what was quoted: ${names} replay to the quoted values.`,
  oneFits: (name: string) => `The log tells what was quoted: ${name} replays to the quoted value.`,
  differs: (names: string) =>
    `The log does not tell what was quoted: ${names} ${names.includes(',') ? 'do' : 'does'} not replay to the quoted value.`,
  nothing:
    'Nothing was quoted that this log could be compared with: what follows is the log’s own word.',
  vouched: {
    vouched: null,
    refused:
      'The quote that holds these registers is not genuine (see the checks), so nobody vouches for their values.',
    open: 'It is not yet shown that the quote is genuine (see the checks): until then nobody vouches for these values.',
  } satisfies Record<Vouched, string | null>,

  facts: {
    events: 'Events',
    format: 'Format',
    digests: 'Digests',
    registers: 'Registers',
  },
  formats: { sha1: 'the TCG’s first, SHA-1 only', 'crypto-agile': 'crypto-agile' },
  kinds: { pcr: 'PCRs of a TPM', rtmr: 'RTMRs of a trust domain (TD)' },
  bank: 'Digests of',

  registersTitle: 'Registers, replayed',
  registerStatus: {
    fits: { mark: '✓', word: 'equal' },
    differs: { mark: '✕', word: 'NOT EQUAL' },
    untold: { mark: '–', word: 'not in the log' },
    unquoted: { mark: '?', word: 'not quoted' },
  } satisfies Record<RegisterStatus, { mark: string; word: string }>,
  untoldWrong: { mark: '✕', word: 'NOT TOLD' },
  untouched: 'Never extended, and it holds what such a register begins with.',
  untoldUsual:
    'The operating system measures into this register after the firmware’s log has ended, so that is usual.',
  phases: (phases: string) => `After the log was closed systemd measured its phases: ${phases}.`,
  replayed: 'replayed',
  quoted: 'quoted',
  replayedOf: (name: string) => `${name} as replayed`,
  quotedOf: (name: string) => `${name} as quoted`,
  noQuoted: 'nothing',
  eventCount: (events: number) => counted(events, 'event'),
  look: (number: number) => `Look at event ${number}`,
  ofRegister: (name: string) => `of ${name}: show them`,
  firstUntold: (number: number) => `first that only its digest speaks for: event ${number}`,
  allProved: 'all proved by their digests',

  mark: {
    stops: 'not extended from here on',
    'left-out': 'logged, but not extended',
    twice: 'logged once, extended twice',
    exchanged: 'order exchanged',
    'another-digest': 'another digest was extended',
    'another-register': 'went into another register',
    'false-data': 'says something else than was measured',
    'only-digest': 'first that could differ',
  } satisfies Record<Mark, string>,

  proof: {
    proved: {
      mark: '✓',
      word: 'proved',
      long: 'Proved by its digest: the digest is the hash of what the event says.',
    },
    'in-part': {
      mark: '✓',
      word: 'proved but for its name',
      long: 'Its contents are proved by the digest; the name of the variable is not part of what was hashed.',
    },
    untold: {
      mark: '?',
      word: 'only its digest',
      long: 'Only its digest speaks for it: what was measured is something else than what the log shows (an image, a table), so the words are nobody’s proof.',
    },
    false: {
      mark: '✕',
      word: 'NOT what was measured',
      long: 'The digest should be the hash of what the event says, and is not: what it says is false.',
    },
    said: {
      mark: '–',
      word: 'said only',
      long: 'Extended into no register: the log only says it, and no digest could prove it.',
    },
  } satisfies Record<RowProof, { mark: string; word: string; long: string }>,

  tableTitle: 'Events',
  table: 'Events of the log',
  columns: {
    number: 'No.',
    register: 'Register',
    event: 'What it says',
    proof: 'Spoken for by',
    digest: 'Digest',
  },
  nowhere: 'none',
  filterRegister: 'Register',
  allRegisters: 'all',
  onlySaid: 'none (said only)',
  filterProof: 'Spoken for by',
  anyProof: 'anything',
  filterText: 'Search',
  filterTextHint: 'words, type, digest…',
  clear: 'Clear',
  found: (found: number, all: number) =>
    found === all ? counted(all, 'event') : `${count(found)} of ${counted(all, 'event')}`,
  none: 'No event is like that.',
  digestOf: (algorithm: string) => `${algorithm} digest`,
  dataLength: (bytes: number) => counted(bytes, 'byte'),
  data: 'logged data',
  more: (parts: number) => `and ${counted(parts, 'part')} more that are not shown`,

  reference: {
    title: 'Another boot',
    pick: 'Compare with the log of another boot',
    against: (name: string) => `Compared with ${name}`,
    noShared: (algorithm: string) => `That log has no digests of ${algorithm}.`,
    same: 'the same events in both',
    differs: 'first difference',
    here: 'this log',
    there: 'the other',
    ended: 'no event more',
  },

  own: {
    title: 'The bundle’s own log',
    note: 'The agent writes down every tree of services that it served since the boot, and events that the guest reported. The report binds the log’s digest, so none can be taken out or changed afterwards.',
    what: 'log entries',
    tree: 'services changed',
    event: 'event',
    current: 'in force now',
    root: (number: number) => `tree root of entry ${number}`,
    digest: (number: number) => `digest of entry ${number}`,
    bound: 'The log’s digest is the one that the report binds.',
    unbound:
      'The log’s digest is as the bundle says, but the report does not bind it (see the checks): nobody vouches for these entries.',
    refused: (came: number) =>
      `${counted(came, 'entry', 'entries')} came, but the log is not the one that is bound: nothing of it counts, and nothing is shown.`,
    back: 'the guest’s clock went back here',
    entries: (entries: number) => counted(entries, 'entry', 'entries'),
  },
} as const;
