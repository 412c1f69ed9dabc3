/** What a reference integrity manifest (RIM) is held against: the part of an NVIDIA report that RIMs speak of. */
import type { Bytes } from '../../bytes.ts';
import type { NvidiaReport } from './spdm.ts';

export type RimSubject = {
  /** For people: `GPU 3`, `NVSwitch 1`. */
  label: string;
  kind: 'gpu' | 'switch';
  /**
   * The product that RIMs name, a chip: `GH100`, `GB100`, `LS10`. Ids of driver RIMs are `NV_GPU_DRIVER_GH100_<driver>` of Hopper,
   * `NV_GPU_CC_DRIVER_<chip>_<driver>` of Blackwell.
   */
  architecture: string;
  /** `570.124.03`; null for a switch, which has none. */
  driver: string | null;
  /** `96.00.5E.00.01` */
  vbios: string;
  /**
   * The parts of a firmware RIM's id, `NV_GPU_VBIOS_<project>_<project SKU>_<chip SKU>_<VBIOS without dots>`, of switches
   * `NV_SWITCH_BIOS_…`: `1010`, `0200`, `882`. A switch's report does not say them: they are LS10's own.
   */
  project: string;
  projectSku: string;
  chipSku: string;
  /** By SPDM block, the first is 1: a RIM's index i is block i + 1. */
  measurements: ReadonlyMap<number, Bytes>;
  /** Blocks of units that are off: their values are of nothing, and not compared. */
  unmeasured: ReadonlySet<number>;
};

/** What NVIDIA's own verifier asks its RIM service for, for every switch. */
const switchParts = { project: '5612', projectSku: '0002', chipSku: '890' } as const;
/** RIM index 35, which NVIDIA's own verifier leaves out where NVDEC0 is off. */
const nvdec0Block = 36;
const noNvdec0: ReadonlySet<number> = new Set([nvdec0Block]);
const none: ReadonlySet<number> = new Set();

/** @param chip as in the device's certificate; null when that could not be read */
export function rimSubjectOf(report: NvidiaReport, label: string, chip: string | null): RimSubject {
  const { kind, driver, vbios, measurements, project, projectSku, chipSku } = report;
  const parts =
    project === null || projectSku === null || chipSku === null
      ? switchParts
      : { project, projectSku, chipSku };
  const architecture = productOf(report, chip);
  const unmeasured = report.nvdec0 === false ? noNvdec0 : none;
  return { label, kind, architecture, driver, vbios, ...parts, measurements, unmeasured };
}

/** A Blackwell GPU that does not name its chip is one of the first, GB100, as NVIDIA's own verifier takes it. */
function productOf(report: NvidiaReport, chip: string | null): string {
  if (report.kind === 'switch') return 'LS10';
  if (report.chip !== null) return report.chip;
  if (report.architecture === 'HOPPER') return 'GH100';
  if (report.architecture === 'BLACKWELL') return 'GB100';
  return chip ?? 'of no known chip';
}
