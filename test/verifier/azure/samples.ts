/** Simulated machines for tests of HCL reports. */
import { createAzure, type FakeAzure } from '#test/fake/azure.ts';
import { createIntel } from '#test/fake/intel.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import type { HclTee } from '#verifier/abi/hcl.ts';

const machines = new Map<HclTee, Promise<FakeAzure>>();

/** One of each for a whole file of tests: making the vTPM's key takes time. */
export function azureOf(tee: HclTee): Promise<FakeAzure> {
  const found = machines.get(tee) ?? make(tee);
  machines.set(tee, found);
  return found;
}

async function make(tee: HclTee): Promise<FakeAzure> {
  return tee === 'sev-snp'
    ? createAzure({ tee, amd: await testHierarchy({ product: 'Milan' }) })
    : createAzure({ tee, intel: createIntel() });
}
