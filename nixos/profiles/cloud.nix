# What the profiles of all clouds share: what a report of that cloud is worth must be said, and the disk image for
# upload. docs/clouds.md explains each word.
{
  config,
  lib,
  ...
}:
let
  cfg = config.affidavit.cloud;
in
{
  imports = [ ./no-agents.nix ];

  options.affidavit.cloud = {
    name = lib.mkOption {
      type = lib.types.enum [
        "aws"
        "azure"
        "gcp"
      ];
      readOnly = true;
      description = "The cloud whose profile is imported.";
    };

    reportReachesAgent = lib.mkOption {
      type = lib.types.bool;
      internal = true;
      readOnly = true;
      description = "Whether the kernel's configfs-tsm interface gives reports on machines of this cloud.";
    };

    reportCoversImage = lib.mkOption {
      type = lib.types.bool;
      internal = true;
      readOnly = true;
      description = "Whether a register of the report, and not only a vTPM of the host, measures what firmware starts.";
    };

    insecureWithoutAttestation = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Builds a guest that proves nothing, for a cloud whose reports the agent cannot get.";
    };

    insecureFirmwareMeasuredAlone = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Builds a guest for a cloud whose report measures the cloud's firmware and not what the firmware starts from the
        disk. Whoever can change the disk can then claim any closure digest under the same measurement.
      '';
    };
  };

  config.assertions = [
    {
      assertion = cfg.reportReachesAgent || cfg.insecureWithoutAttestation;
      message = ''
        The agent gets no report on ${cfg.name}: this guest would prove nothing. docs/clouds.md says why.
        affidavit.cloud.insecureWithoutAttestation = true builds it nevertheless, without the agent.
      '';
    }
    {
      assertion =
        !cfg.reportReachesAgent || cfg.reportCoversImage || cfg.insecureFirmwareMeasuredAlone;
      message = ''
        On ${cfg.name} with ${config.affidavit.guest.platform} the report measures the cloud's firmware, not this image.
        docs/clouds.md says what an acceptance is then worth.
        affidavit.cloud.insecureFirmwareMeasuredAlone = true builds the image nevertheless.
      '';
    }
  ];
}
