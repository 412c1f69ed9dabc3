/** As check-rows.ts, of the checks of Azure's HCL report. */
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { Row } from '../check-rows.ts';
import { verifyScene } from '../scene.ts';
import { type AzureSceneOptions, azureScene } from './scene.ts';

const invalid = (options: AzureSceneOptions): Row => ({
  verified: async () => verifyScene(await azureScene(options)),
  policy: () => genuinePolicy,
  decision: 'invalid',
});

export const azureRows = {
  'parse.hcl': invalid({
    tee: 'sev-snp',
    edit: ({ bytes }) => ({ bytes: bytes.with(4, 9) }),
  }),
  'evidence.hcl-runtime-data': invalid({
    tee: 'sev-snp',
    report: { reportData: () => new Uint8Array(64) },
  }),
  'evidence.hcl-quote': invalid({
    tee: 'tdx',
    report: { tdReport: { mrTd: new Uint8Array(48).fill(1) } },
  }),
} as const satisfies Partial<Record<CheckId, Row>>;
