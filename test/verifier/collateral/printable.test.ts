import { expect, test } from 'vitest';
import { printableAddress } from '#verifier/collateral/printable.ts';

test.each([
  ['https://kds.example/vcek/v1/Milan/crl', 'https://kds.example/vcek/v1/Milan/crl'],
  ['https://alice:secret@pccs.example:8081/sgx', 'https://pccs.example:8081/sgx'],
  ['folder/with ünicode', 'folder/with ?nicode'],
  [`https://a.example/${'b'.repeat(3000)}`, `https://a.example/${'b'.repeat(2030)}`],
])('%s', (address, expected) => {
  expect(printableAddress(address)).toBe(expected);
});
