import { describe, expect, test } from 'vitest';
import { toDer, withCollateral } from '#agent/collateral.ts';
import type { EvidenceSource } from '#agent/source.ts';
import type { CollateralItem, CollateralKind } from '#verifier/abi/bundle.ts';
import { toBase64, utf8 } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

const der = new Uint8Array([0x30, 3, 2, 1, 5]);

function pem(label: string, body = toBase64(der)): string {
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}

describe('toDer', () => {
  test.each([
    ['DER', der],
    ['a certificate in PEM', utf8(pem('CERTIFICATE'))],
    ['a CRL in PEM', utf8(pem('X509 CRL'))],
    [
      'PEM with carriage returns and blank lines',
      utf8(`\n${pem('CERTIFICATE')}\n`.replaceAll('\n', '\r\n')),
    ],
  ])('reads %s', (_, bytes) => {
    expect(toDer(bytes, 'file')).toEqual(der);
  });

  test.each<[string, string, string]>([
    ['nothing', '', 'pem-malformed'],
    ['text', 'hello', 'pem-malformed'],
    ['a key', pem('PRIVATE KEY'), 'pem-malformed'],
    ['two blocks', pem('CERTIFICATE') + pem('CERTIFICATE'), 'pem-malformed'],
    ['text after the block', `${pem('CERTIFICATE')}x`, 'pem-malformed'],
    [
      'labels that differ',
      pem('CERTIFICATE').replace('END CERTIFICATE', 'END X509 CRL'),
      'pem-malformed',
    ],
    ['broken base64', pem('CERTIFICATE', 'MAM='.slice(0, 3)), 'base64-malformed'],
    ['what is no sequence', pem('CERTIFICATE', 'BQA='), 'der-malformed'],
  ])('refuses %s', async (_, text, code) => {
    expect(await codeOf(() => toDer(utf8(text), 'file'))).toBe(code);
  });
});

test("the agent's own collateral takes the place of the host's, kind by kind", async () => {
  const item = (kind: CollateralKind, source: string): CollateralItem => {
    return { kind, data: der, source, fetched: 1 };
  };
  const source: EvidenceSource = {
    platform: 'sev-snp',
    name: 'device',
    report: async (evidence) => ({
      evidence,
      collateral: [item('vek', 'host'), item('ask', 'host')],
    }),
  };
  const { collateral } = await withCollateral(source, [
    item('ask', 'own'),
    item('ark', 'own'),
  ]).report(new Uint8Array(64));
  expect(collateral.map(({ kind, source }) => `${kind} ${source}`).sort()).toEqual([
    'ark own',
    'ask own',
    'vek host',
  ]);
  const without = await withCollateral(source, []).report(new Uint8Array(64));
  expect(without.collateral).toHaveLength(2);
});
