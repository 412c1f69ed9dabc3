import { expect, test } from 'vitest';
import { createIntel } from '#test/fake/intel.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { tdxBundleScene } from '#test/verifier/intel-scene.ts';
import { utf8 } from '#verifier/bytes.ts';
import { describe as describeBytes } from '#verifier/show/describe.ts';
import { renderShow } from '#verifier/show/document.ts';

const { tcbInfo, qeIdentity } = createIntel({ keys: generateIntelKeys('show') });

test('TCB info: what it is for, its modules, each level', () => {
  const shown = renderShow(describeBytes(tcbInfo.bytes), false);
  expect(shown).toMatch(/TCB info/);
  expect(shown).toMatch(/TDX_01 ISVSVN ≥ 4 +OutOfDate as of .*; INTEL-SA-01036, INTEL-SA-01099/);
  expect(shown).toMatch(/tcbLevels\[0\] +SGX 3\.3\.2\.2\.4\.1\.0\.5\..* PCESVN 13 TDX\s+5\.0\.3/);
});

test('QE identity: the enclave and its levels', () => {
  const shown = renderShow(describeBytes(qeIdentity.bytes), false);
  expect(shown).toMatch(/id +TD_QE/);
  expect(shown).toMatch(/ISVSVN ≥ 5 +UpToDate as of /);
});

test('a TDX bundle shows its quote and every piece of collateral', () => {
  const shown = renderShow(describeBytes(tdxBundleScene().evidence.bytes), false);
  for (const part of [
    /MRTD +4d4d/,
    /PCESVN/,
    /collateral\[0\] tcb-info/,
    /collateral\[6\] intel-root/,
  ])
    expect(shown).toMatch(part);
});

test('a document that is cut off is refused, the whole one is not', () => {
  const { bytes } = tcbInfo;
  expect(codeOf(() => describeBytes(bytes))).toBe(null);
  expect(codeOf(() => describeBytes(bytes.subarray(0, bytes.length - 1)))).not.toBe(null);
  expect(codeOf(() => describeBytes(utf8('{"tcbInfo":{},"signature":""}')))).not.toBe(null);
});

test.skipIf(!hasShared)(`Intel's own${hasShared ? '' : `: ${sharedMissing}`}`, () => {
  const file = 'corpus/collateral/intel/tcbinfo-tdx-90c06f000000-2024-12-20-e17.json';
  const shown = renderShow(describeBytes(sharedFile(file)), false);
  expect(shown).toMatch(/fmspc +90c06f000000/);
  expect(shown).toMatch(/nextUpdate +2025-01-19T08:30:40Z/);
});
