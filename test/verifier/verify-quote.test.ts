/** TDX and SGX quotes, end to end: what each part of the evidence and of the collateral is held to. */
import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { basicConstraints } from '#test/fake/extensions.ts';
import { collateralOf, createIntel } from '#test/fake/intel.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import type { IntelCollateralKind } from '#verifier/abi/bundle.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import { concat, equalBytes, utf8 } from '#verifier/bytes.ts';
import { type CheckId, waivableChecks } from '#verifier/checks.ts';
import { webCrypto } from '#verifier/crypto-web.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { put } from './chain/profile.ts';
import {
  enclaveScene,
  intelKeys,
  intelOf,
  quoteScene,
  strictIntelPolicy,
  tdxBundleScene,
} from './intel-scene.ts';
import {
  checkOf,
  failuresOf,
  idsWith,
  replaced,
  type Scene,
  verdictOf,
  verifyScene,
  without,
} from './scene.ts';

const day = 86_400;
const stranger = generateIntelKeys('another Intel');
const item = (kind: IntelCollateralKind) =>
  collateralOf(intelOf('tdx')).find((one) => one.kind === kind)?.data as Uint8Array;

describe('what is good', () => {
  test.each<[string, () => Scene]>([
    ['TDX 1.5, quote version 5', () => quoteScene()],
    ['TDX 1.0, quote version 4', () => quoteScene({ fields: { version: 4 } })],
    ['TDX 1.0 in version 5', () => quoteScene({ fields: { teeTcbSvn2: null, mrServiceTd: null } })],
    ['SGX, quote version 3', () => enclaveScene()],
    ['SGX in version 4', () => enclaveScene({ quote: { version: 4 } })],
    ['the processor CA', () => quoteScene({ intel: { machine: { ca: 'processor' } } })],
    ['a bundle', () => tdxBundleScene()],
    [
      'bytes after the quote',
      () => quoteScene({ quote: { trailing: new Uint8Array(70).fill(7) } }),
    ],
    // Some guests ask for the chain without the zero that ends it.
    [
      'a chain with line feeds after it',
      () =>
        quoteScene({
          quote: {
            certification: {
              type: 5,
              data: utf8(`${intelOf('tdx').pckChainPem().slice(0, -1)}\n\n`),
            },
          },
        }),
    ],
  ])('%s', async (_, scene) => {
    const verdict = await verdictOf(scene());
    expect(idsWith('fail', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  });

  test('WebCrypto comes to the same checks', async () => {
    const [node, web] = [
      await verifyScene(quoteScene()),
      await verifyScene(quoteScene(), webCrypto),
    ];
    expect(web.checks).toEqual(node.checks);
  });

  test('the newest lists and documents of several are used', async () => {
    const old = createIntel({ keys: intelKeys, now: fakeNow - 90 * day });
    const scene = quoteScene();
    const collateral = [...collateralOf(old), ...scene.collateral];
    expect(await failuresOf({ ...scene, collateral })).toEqual([]);
    expect(await failuresOf({ ...scene, collateral: collateral.toReversed() })).toEqual([]);
    expect((await failuresOf({ ...scene, collateral: collateralOf(old) })).length).toBeGreaterThan(
      2,
    );
  });

  test('TCB info of other platforms does not stand in the way', async () => {
    const other = createIntel({ keys: intelKeys, machine: { fmspc: new Uint8Array(6).fill(1) } });
    const scene = replaced(quoteScene(), 'tcb-info', other.tcbInfo.bytes, item('tcb-info'));
    expect(await failuresOf(scene)).toEqual([]);
  });

  test('expires with the first piece that runs out', async () => {
    const { expires } = await verifyScene(quoteScene());
    expect(expires).toBe(intelOf('tdx').tcbInfo.plan.nextUpdate);
    const soon = fakeNow + 5;
    for (const role of ['platformCrl', 'rootCrl', 'qeIdentity'] as const) {
      const scene = quoteScene({ intel: { overrides: { [role]: { nextUpdate: soon } } } });
      expect((await verifyScene(scene)).expires).toBe(soon);
    }
    const signing = quoteScene({ intel: { overrides: { tcbSigning: { notAfter: soon } } } });
    expect((await verifyScene(signing)).expires).toBe(soon);
  });
});

describe('what is missing leaves the verdict open, and is named', () => {
  test.each<[IntelCollateralKind, CheckId, RegExp]>([
    ['tcb-info', 'collateral.tcb-info-signature', /--tcb-info\)/],
    ['tcb-signing', 'collateral.tcb-info-signer', /--tcb-signing-chain/],
    ['qe-identity', 'evidence.qe-identity', /--qe-identity\)/],
    ['qe-identity-signing', 'collateral.qe-identity-signer', /--qe-identity-signing-chain/],
    ['pck-crl', 'collateral.pck-revocation', /--pck-crl/],
    ['intel-root-crl', 'collateral.issuer-revocation', /--root-ca-crl/],
  ])('%s', async (kind, id, reason) => {
    const verdict = await verdictOf(without(quoteScene(), kind));
    expect(idsWith('fail', verdict)).toEqual([]);
    expect(checkOf(id, verdict)).toMatchObject({
      status: 'skip',
      reason: expect.stringMatching(reason),
    });
    expect(verdict.decision).toBe('undecided');
  });

  test('the root of the signing chain need not be given: it is in the quote', async () => {
    expect((await verdictOf(without(quoteScene(), 'intel-root'))).decision).toBe('accepted');
  });

  test('a quote without its chain', async () => {
    const certification = { type: 3, data: new Uint8Array(404) };
    const verdict = await verdictOf(quoteScene({ quote: { certification } }));
    expect(idsWith('fail', verdict)).toEqual([]);
    expect(checkOf('chain.pck-certificate', verdict).reason).toMatch(/this quote has 3/);
    expect(verdict.decision).toBe('undecided');
  });

  test('no waiver makes up for who signed the documents', async () => {
    const open = waivableChecks.map((check) => ({ check, reason: 'test', expires: null }));
    const policy = toPolicy({ ...strictIntelPolicy('quote'), waivers: open });
    expect((await verdictOf(quoteScene(), policy)).decision).toBe('accepted');
    // A document that anybody wrote, with its signer left out.
    const intel = { overrides: { tcbInfo: { signer: stranger.tcbSigning.privateKey } } };
    for (const kind of ['tcb-signing', 'tcb-info', 'qe-identity', 'qe-identity-signing'] as const) {
      const verdict = await verdictOf(without(quoteScene({ intel }), kind), policy);
      expect(verdict.decision).not.toBe('accepted');
    }
    const lists = without(without(quoteScene(), 'pck-crl'), 'intel-root-crl');
    expect((await verdictOf(lists, policy)).decision).toBe('accepted');
  });
});

describe('the chain', () => {
  test('ends in a pinned root', async () => {
    const scene = { ...quoteScene(), roots: vendorRoots };
    expect(await failuresOf(scene)).toEqual(['chain.root-pinned']);
    expect(checkOf('chain.root-pinned', await verifyScene(scene)).expected).toMatch(/^a0af0312/);
  });

  const chainOf = (...certificates: { pem: string }[]) => ({
    certification: { type: 5, data: utf8(certificates.map(({ pem }) => pem).join('')) },
  });

  test.each<[string, () => ReturnType<typeof chainOf>, CheckId[]]>([
    [
      'in another order',
      () => {
        const { pck, pckCa, root } = intelOf('tdx');
        return chainOf(root, pckCa, pck);
      },
      ['chain.root-certificate', 'chain.pck-certificate'],
    ],
    [
      'with another CA',
      () => {
        const { pck, processorCa, root } = intelOf('tdx');
        return chainOf(pck, processorCa, root);
      },
      ['chain.names', 'chain.pck-signature', 'collateral.pck-crl-signature'],
    ],
    [
      'without its root',
      () => {
        const { pck, pckCa } = intelOf('tdx');
        return chainOf(pck, pckCa);
      },
      ['chain.pck-certificate'],
    ],
    [
      'with one certificate more',
      () => {
        const { pck, pckCa, root } = intelOf('tdx');
        return chainOf(pck, pckCa, root, root);
      },
      ['chain.pck-certificate'],
    ],
    [
      'with text around it',
      () => {
        const { pck, pckCa, root } = intelOf('tdx');
        return chainOf(pck, { pem: 'see below\n' }, pckCa, root);
      },
      ['chain.pck-certificate'],
    ],
  ])('%s', async (_, quote, fails) => {
    expect(await failuresOf(quoteScene({ quote: quote() }))).toEqual(fails);
  });

  test('a CA that may not sign', async () => {
    const overrides = { platformCa: put(basicConstraints(false, null)) };
    expect(await failuresOf(quoteScene({ intel: { overrides } }))).toEqual([
      'chain.issuer-certificate',
    ]);
  });
});

describe('collateral', () => {
  test('a document that was read and written again is not the one that Intel signed', async () => {
    const again = utf8(JSON.stringify(JSON.parse(new TextDecoder().decode(item('tcb-info')))));
    // The simulator writes as JSON.stringify does: only a space makes the difference.
    expect(equalBytes(again, item('tcb-info'))).toBe(true);
    const spaced = utf8(new TextDecoder().decode(again).replace('"version":3', '"version": 3'));
    const scene = replaced(quoteScene(), 'tcb-info', spaced);
    expect(await failuresOf(scene)).toEqual(['collateral.tcb-info-signature']);
  });

  test('one document cannot stand for the other', async () => {
    const scene = replaced(quoteScene(), 'tcb-info', item('qe-identity'));
    expect(await failuresOf(scene)).toEqual(['collateral.tcb-info-signature']);
  });

  test('of SGX in place of TDX', async () => {
    const sgx = intelOf('sgx');
    expect(await failuresOf(replaced(quoteScene(), 'tcb-info', sgx.tcbInfo.bytes))).toEqual([
      'collateral.tcb-info-match',
      'evidence.tdx-module',
    ]);
    expect(await failuresOf(replaced(quoteScene(), 'qe-identity', sgx.qeIdentity.bytes))).toContain(
      'evidence.qe-identity',
    );
  });

  test('another PCEID', async () => {
    const overrides = { tcbInfo: { pceId: Uint8Array.of(1, 0) } };
    expect(await failuresOf(quoteScene({ intel: { overrides } }))).toEqual([
      'collateral.tcb-info-match',
    ]);
  });

  test('a signer under another root', async () => {
    const foreign = createIntel({ keys: stranger });
    const scene = replaced(quoteScene(), 'tcb-signing', foreign.tcbSigning.der);
    expect(await failuresOf(scene)).toEqual([
      'collateral.tcb-info-signer',
      'collateral.tcb-info-signature',
    ]);
    const root = replaced(quoteScene(), 'intel-root', foreign.root.der);
    expect(await failuresOf(root)).toEqual([
      'collateral.tcb-info-signer',
      'collateral.qe-identity-signer',
    ]);
    // The same key in a certificate issued again is Intel's to make; with another signature it is not.
    const again = intelOf('tdx', { overrides: { root: { notBefore: 1_600_000_000 } } }).root.der;
    expect(await failuresOf(replaced(quoteScene(), 'intel-root', again))).toEqual([]);
    const forged = concat(again.subarray(0, -1), Uint8Array.of((again.at(-1) as number) ^ 1));
    expect(await failuresOf(replaced(quoteScene(), 'intel-root', forged))).toHaveLength(2);
  });

  test('a PCK certificate where a signer is due', async () => {
    const scene = replaced(quoteScene(), 'tcb-signing', intelOf('tdx').pck.der);
    expect(await failuresOf(scene)).toEqual(['collateral.tcb-info-signer']);
  });

  test('the CRL of the other CA', async () => {
    const scene = replaced(quoteScene(), 'pck-crl', intelOf('tdx').processorCrl.der);
    expect(await failuresOf(scene)).toEqual(['collateral.pck-crl-signature']);
  });

  test('each date is held on its very second', async () => {
    const { tcbInfo, qeIdentity, pckCrl, rootCrl, pck } = intelOf('tdx');
    const rows: [CheckId, first: number, last: number][] = [
      ['collateral.tcb-info-validity', tcbInfo.plan.issueDate, tcbInfo.plan.nextUpdate],
      ['collateral.qe-identity-validity', qeIdentity.plan.issueDate, qeIdentity.plan.nextUpdate],
      ['collateral.pck-crl-validity', pckCrl.plan.thisUpdate, pckCrl.plan.nextUpdate as number],
      ['collateral.root-crl-validity', rootCrl.plan.thisUpdate, rootCrl.plan.nextUpdate as number],
      ['chain.pck-validity', pck.plan.notBefore, pck.plan.notAfter],
    ];
    for (const [id, first, last] of rows) {
      const statusAt = async (now: number) =>
        checkOf(id, await verifyScene(quoteScene({ now }))).status;
      expect([await statusAt(first), await statusAt(last)], id).toEqual(['pass', 'pass']);
      expect([await statusAt(first - 1), await statusAt(last + 1)], id).toEqual(['fail', 'fail']);
    }
  });
});

describe('the quoting enclave', () => {
  test.each<[string, Parameters<typeof quoteScene>[0], CheckId[]]>([
    ['of another product', { quote: { qe: { isvProdId: 1 } } }, ['evidence.qe-identity']],
    [
      'in debug mode',
      {
        quote: {
          qe: { attributes: Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 0x17 : 0)) },
        },
      },
      ['evidence.qe-identity'],
    ],
    ['with another MISCSELECT', { quote: { qe: { miscSelect: 1 } } }, ['evidence.qe-identity']],
    [
      'that names something after the key’s hash',
      { quote: { qeAuthData: new Uint8Array(), qe: { reportData: new Uint8Array(64) } } },
      ['evidence.attestation-key'],
    ],
    [
      'that names another key',
      {
        quote: {
          attestationKey: intelKeys.stranger,
          qe: { reportData: new Uint8Array(64).fill(2) },
        },
      },
      ['evidence.attestation-key'],
    ],
  ])('%s', async (_, options, fails) => {
    expect(await failuresOf(quoteScene(options))).toEqual(fails);
  });

  test('may vouch for any key, with any authentication data', async () => {
    const quote = { attestationKey: intelKeys.stranger, qeAuthData: utf8('any') };
    expect(await failuresOf(quoteScene({ quote }))).toEqual([]);
  });
});

describe('the TDX module', () => {
  const svn = (isvSvn: number, version: number) =>
    Uint8Array.from({ length: 16 }, (_, i) => [isvSvn, version, 4][i] ?? 0);

  test('of a version that Intel does not list', async () => {
    const fields = { teeTcbSvn: svn(9, 7), teeTcbSvn2: svn(9, 7) };
    expect(await failuresOf(quoteScene({ fields }))).toEqual([
      'evidence.tdx-module',
      'evidence.tcb-level',
    ]);
  });

  test('with SEAMATTRIBUTES', async () => {
    const fields = { seamAttributes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) };
    expect(await failuresOf(quoteScene({ fields }))).toEqual(['evidence.tdx-module']);
  });

  test('below every level: no platform status stands in for it', async () => {
    const fields = { teeTcbSvn: svn(1, 1), teeTcbSvn2: svn(1, 1) };
    const verified = await verifyScene(quoteScene({ fields }));
    expect(idsWith('fail', verified)).toEqual(['evidence.tcb-level']);
    expect(checkOf('evidence.tcb-level', verified).actual).toBe('NotSupported');
  });
});
