/** Azure's evidence in the corpus. */
import { readdirSync } from 'node:fs';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import type { HclTee } from '#verifier/abi/hcl.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';

const kinds = { 'sev-snp': 'azure-snp-vtpm', tdx: 'azure-tdx-vtpm' } as const;

export type AzureCase = {
  id: string;
  tee: HclTee;
  files: Record<string, string>;
  expected: { verdict: string; reason: string };
  verify_at: string | null;
  real_hardware: boolean;
  nonce_hex?: string;
  expected_nonce_hex?: string;
  /** The data of a role; null when the case has none. */
  read: (role: string) => Bytes | null;
};

/** Every case of both kinds; none where the corpus is not. */
export function azureCases(): AzureCase[] {
  if (!hasShared) return [];
  return (Object.keys(kinds) as HclTee[]).flatMap((tee) => {
    const folder = `corpus/${kinds[tee]}`;
    return readdirSync(sharedPath(folder))
      .toSorted()
      .map((name) => {
        const text = fromUtf8(sharedFile(`${folder}/${name}/case.json`), 'case');
        const found = JSON.parse(text) as Omit<AzureCase, 'read' | 'tee'>;
        const read = (role: string) => {
          const file = found.files[role];
          return file === undefined ? null : sharedFile(`${folder}/${name}/${file}`);
        };
        return { ...found, tee, read };
      });
  });
}
