/** `affidavit set make` from what Intel publishes: levels, revoked machines, known keys. */
import { describe, expect, test } from 'vitest';
import { chipTdx } from '#prover/linked/formulas.ts';
import { readQuoteFacts } from '#prover/linked/quote-facts.ts';
import { elementOf, findLevel, memberSiblings } from '#prover/linked/sets.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { hasShared, sharedFile, sharedMissing, sharedPath } from '#test/shared.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import { readPemChain } from '#verifier/abi/pem.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { toHex } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import {
  affidavitSet,
  at,
  documents,
  endOf,
  file,
  make,
  newName,
  plain,
  read,
  refused,
  root,
} from './sets-run.ts';

describe('levels', () => {
  const current = documents(plain, 'current');

  test('hold the floor that the simulated machine passes', async () => {
    const { set } = await make('levels', ...current);
    if (set.kind !== 'levels') throw new Error('expected levels');
    const { pck, report, qeIsvSvn } = readQuoteFacts(
      createTdxDevice(plain).quote(new Uint8Array(64)),
    );
    const machine = { ...pck, teeTcbSvn: report.teeTcbSvn, qeIsvSvn };
    expect(findLevel(set, machine)?.level.pceSvn).toBe(13);
    expect(findLevel(set, { ...machine, pceSvn: 12 })).toBeNull();
    expect(set.source).toMatch(/; status UpToDate; TCB info of FMSPC [0-9a-f]{12}, /);
  });

  test('hold more where more statuses count', async () => {
    const few = await make('levels', ...current);
    const more = await make('levels', ...current, '--status', 'OutOfDate', '--status', 'UpToDate');
    expect(more.set.entries.length).toBeGreaterThan(few.set.entries.length);
    expect(await refused('levels', ...current, '--status', 'OutOfDate')).toBe('no-floor 2');
  });

  test('are refused from documents that do not verify, and say what is missing', async () => {
    const late = ['--at', formatTime(fakeNow + 90 * 86_400), '--insecure-root', root];
    const run = (...args: string[]) =>
      endOf(affidavitSet('make', 'levels', '--out', newName(), ...args, ...current));
    expect(await run(...late)).toBe('collateral.tcb-info-validity 20');
    expect(await run('--at', at)).toBe('chain.root-pinned 20');
    expect(await refused('levels', ...current.slice(0, -2))).toBe(
      'collateral.root-crl-signature 30',
    );
    expect(await refused('levels', ...current, '--tcb-info', current[1] as string)).toBe('usage 2');
    expect(await refused('levels', ...current)).toBeNull();
  });

  test('of a status that nobody may accept are wrong usage', async () => {
    await expect(make('levels', ...current, '--status', 'Revoked')).rejects.toThrow('Revoked');
  });
});

describe('revoked', () => {
  const intel = intelOf('tdx', { revoked: ['pck'] });
  const chain = ['--chain', file('pck-ca.pem', intel.platformCa.pem), '--chain', root];
  const lists = ['--root-ca-crl', file('root.crl', intel.rootCrl.der)];
  const crl = ['--pck-crl', file('pck.crl', intel.pckCrl.der)];
  const ppid = toHex(intel.machine.ppid);

  test('hold serials of lists and chips of PPIDs', async () => {
    const more = file('ppids.txt', `${'ab'.repeat(16)}\n\n${ppid.toUpperCase()}\n`);
    const { set } = await make(
      'revoked',
      ...chain,
      ...lists,
      ...crl,
      '--ppid',
      ppid,
      '--ppid-list',
      more,
    );
    const { pck } = readQuoteFacts(createTdxDevice(intel).quote(new Uint8Array(64)));
    expect(set.entries).toHaveLength(3);
    expect(memberSiblings(set, pck.serial)).not.toBeNull();
    expect(memberSiblings(set, pck.chip)).not.toBeNull();
    expect(set.source).toMatch(
      /; 3 PPIDs; CRL number \d+ of Intel SGX PCK Platform CA, next update /,
    );
  });

  test('may be nothing, but must be from something', async () => {
    const good = file('empty.crl', plain.pckCrl.der);
    const { set } = await make('revoked', ...chain, ...lists, '--pck-crl', good);
    expect(set.root).toBe(0n);
    expect(await refused('revoked')).toBe('usage 2');
  });

  test('are refused without an issuer that verifies', async () => {
    expect(await refused('revoked', ...chain, ...crl)).toBe('collateral.root-crl-signature 30');
    expect(await refused('revoked', ...lists, ...crl, '--chain', root)).toBe(
      'chain.issuer-certificate 30',
    );
    expect(await refused('revoked', ...lists, ...chain, '--pck-crl', root)).toMatch(/ 20$/);
    expect(await refused('revoked', '--ppid', 'abcd')).toBe('hex-malformed 2');
    expect(await refused('revoked', '--ppid', ppid)).toBeNull();
  });
});

describe('veks', () => {
  const lists = [
    '--root-ca-crl',
    file('vek-root.crl', plain.rootCrl.der),
    '--pck-crl',
    file('vek-pck.crl', plain.pckCrl.der),
  ];
  const pck = file('pck.pem', plain.pck.pem);
  const whole = file('pck-chain.pem', `${plain.pck.pem}${plain.pckCa.pem}${plain.root.pem}`);
  const chain = ['--chain', file('veks-ca.pem', plain.pckCa.pem), '--chain', root];

  test('hold the key of the machine, with its chain in one file or in several', async () => {
    const facts = readQuoteFacts(createTdxDevice(plain).quote(new Uint8Array(64)));
    const { set } = await make('veks', '--pck', whole, ...lists);
    const apart = await make('veks', '--pck', pck, ...chain, ...lists);
    expect(memberSiblings(set, elementOf('veks', facts.pck))).toEqual([]);
    expect(apart.set.root).toBe(set.root);
    expect(set.entries).toMatchObject([{ chip: chipTdx(plain.machine.ppid) }]);
  });

  test('are refused without lists, or revoked', async () => {
    expect(await refused('veks', '--pck', whole)).toMatch(/^collateral\.\S+ 30$/);
    const revoked = intelOf('tdx', { revoked: ['pck'] });
    const named = [
      '--root-ca-crl',
      file('r.crl', revoked.rootCrl.der),
      '--pck-crl',
      file('p.crl', revoked.pckCrl.der),
    ];
    expect(await refused('veks', '--pck', whole, ...named)).toBe('collateral.pck-revocation 20');
    expect(await refused('veks', '--pck', whole, ...lists)).toBeNull();
  });
});

describe.skipIf(!hasShared)(
  `Intel's own documents${hasShared ? '' : ` (skipped: ${sharedMissing})`}`,
  () => {
    const at = ['--at', '2026-07-05T00:00:00Z'];
    const of = (name: string) => sharedPath(`corpus/collateral/intel/${name}`);
    const lists = () => ['--root-ca-crl', of('root-ca-crl-2026-02-26.der')];
    const run = async (kind: string, ...args: string[]) => {
      const out = newName();
      await affidavitSet('make', kind, '--out', out, ...at, ...lists(), ...args);
      return read(out);
    };

    test('make sets under the pinned root', async () => {
      const signer = sharedFile('corpus/collateral/intel/tcb-signing-2025-05-06.pem');
      const above = sharedFile('corpus/collateral/intel/intel-sgx-root-ca.pem');
      const chain = file('intel-chain.pem', Uint8Array.from([...signer, ...above]));
      const levels = await run(
        'levels',
        ...['--tcb-info', of('tcbinfo-tdx-00806f050000-2026-06-30-e19.json')],
        ...['--qe-identity', of('td-qe-identity-2026-06-30-e19.json')],
        ...['--tcb-signing-chain', chain],
      );
      expect(levels.source).toBe(
        'status UpToDate; TCB info of FMSPC 00806f050000, evaluation 19, QE identity 19, next update 2026-07-30T07:53:47Z',
      );
      expect(levels.entries).toHaveLength(3);

      const quote = sharedFile('corpus/tdx/tdx10-v4-dcap-qvl-tdx-quote/quote.bin');
      const pem = readPemChain(parseQuote(quote).certification.data, 'PCK chain');
      const certificates = file('intel-pck.der', Uint8Array.from(pem.flatMap((der) => [...der])));
      const crl = ['--pck-crl', of('pck-platform-crl-2026-06-30-cfc3f1.der')];
      const revoked = await run('revoked', '--chain', certificates, ...crl);
      expect(revoked.entries).toHaveLength(57);
      const { pck } = readQuoteFacts(quote);
      expect(memberSiblings(revoked, pck.serial)).toBeNull();
      const veks = await run('veks', '--pck', certificates, ...crl);
      expect(memberSiblings(veks, elementOf('veks', pck))).toEqual([]);
    });
  },
);
