/** What test/nixos/eval/facts.nix says of one system. */

type Partition = {
  readonly repartConfig: Readonly<Record<string, string>>;
  readonly contents: readonly string[];
  /** For each store path of the partition: whether it is the system. */
  readonly stores: readonly boolean[];
};

export type Facts = {
  readonly toplevel: string;
  /** Text of our renderer, and of NixOS. */
  readonly units: Readonly<Record<string, { readonly ours: string; readonly evaluated: string }>>;
  readonly services: Readonly<Record<string, { readonly path: string; readonly unit: string }>>;
  readonly ports: {
    readonly agent: number;
    readonly echo: readonly number[];
    readonly enable: boolean;
    readonly allowedTCPPorts: readonly number[];
    readonly allowedTCPPortRanges: readonly unknown[];
    readonly allowedUDPPorts: readonly number[];
    readonly allowedUDPPortRanges: readonly unknown[];
    readonly trustedInterfaces: readonly string[];
    readonly interfaces: readonly string[];
  };
  readonly access: {
    readonly ssh: boolean;
    readonly enabledUnits: readonly string[];
    readonly autologin: string | null;
    readonly enableEmergencyMode: boolean;
    readonly initrdEmergency: boolean | string | null;
    readonly mutableUsers: boolean;
    readonly passwords: readonly string[];
    readonly keys: readonly string[];
    readonly corePackages: number;
  };
  readonly kernel: {
    readonly kernelParams: readonly string[];
    readonly kernelModules: readonly string[];
    readonly blacklistedKernelModules: readonly string[];
    readonly version: string;
    readonly sysctl: Readonly<Record<string, string>>;
    readonly answers: Readonly<Record<string, 'y' | 'm' | 'n' | null>>;
    readonly modulesLocked: boolean;
  };
  readonly storage: {
    readonly fileSystems: Readonly<
      Record<string, { fsType: string; options: readonly string[]; device: string | null }>
    >;
    readonly swap: number;
    readonly crypttab: string;
  };
  readonly system: {
    readonly nix: boolean;
    readonly hostName: string;
    readonly imageId: string | null;
    readonly timesync: boolean;
    readonly coredump: boolean;
    readonly warnings: readonly string[];
  };
  readonly agentClosure: Readonly<Record<string, string>>;
  readonly description: unknown;
  /** Of guests. */
  readonly image?: {
    readonly drv: string;
    readonly uki: string;
    readonly seed: string;
    readonly ukiPath: string;
    readonly partitions: Readonly<Record<string, Partition>>;
  };
};
