/** Signatures of processors, as CPUID leaf 1 gives them in EAX (AMD document 25481), and those of QEMU's models. */

/** @throws RangeError for what EAX cannot hold */
export function cpuSignature(family: number, model: number, stepping: number): number {
  const fits = (value: number, most: number) =>
    Number.isInteger(value) && value >= 0 && value <= most;
  if (!fits(family, 0x0f + 0xff)) throw new RangeError(`family is 0 to 270, got ${family}`);
  if (!fits(model, 0xff)) throw new RangeError(`model is 0 to 255, got ${model}`);
  if (!fits(stepping, 0x0f)) throw new RangeError(`stepping is 0 to 15, got ${stepping}`);
  // family = base + extended, the latter only above 15; model = extended ‖ base
  const base = Math.min(family, 0x0f);
  const extended = family - base;
  return (extended << 20) | ((model >> 4) << 16) | (base << 8) | ((model & 0x0f) << 4) | stepping;
}

/** Family, model and stepping, and how many versions of the model QEMU has. They share the signature. */
const models = {
  EPYC: [23, 1, 2, 5],
  'EPYC-Rome': [23, 49, 0, 5],
  'EPYC-Milan': [25, 1, 1, 3],
  'EPYC-Genoa': [25, 17, 0, 2],
  'EPYC-Turin': [26, 0, 0, 1],
} as const;

/** By the name that QEMU's -cpu takes. */
export const cpuTypes: ReadonlyMap<string, number> = new Map([
  ...Object.entries(models).flatMap(([name, [family, model, stepping, versions]]) => {
    const signature = cpuSignature(family, model, stepping);
    const named = Array.from({ length: versions }, (_, at) => `${name}-v${at + 1}`);
    return [name, ...named].map((one) => [one, signature] as const);
  }),
  // The second version of EPYC, by its older name.
  ['EPYC-IBPB', cpuSignature(23, 1, 2)] as const,
]);
