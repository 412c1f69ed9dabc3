# Units of a guest with GPUs: the gate, and the sample that runs behind it.
{
  # Command of a POSIX shell.
  shell,
  # Command of nvidia-smi.
  smi,
  # Number of GPUs that the guest must see.
  count,
  # false: no GPU is ever ready, for nothing in the guest verifies a GPU's report.
  insecureReadyWithoutAttestation,
  # Command of the sample, or null.
  sample ? null,
}:
let
  hardening = import ../units/hardening.nix;
  gpu = import ./device-access.nix;

  attestation =
    if insecureReadyWithoutAttestation then "insecure-without-attestation" else "demand-attestation";
  gate = verb: "${shell} ${./ready.sh} ${verb} ${smi} ${toString count} ${attestation}";

  readyUnit = {
    affidavit-gpu-ready = {
      description = "Lets GPUs work once they are as demanded";
      wantedBy = [ "multi-user.target" ];
      requires = [ "nvidia-persistenced.service" ];
      after = [
        "nvidia-persistenced.service"
        "systemd-modules-load.service"
      ];
      serviceConfig =
        hardening
        // gpu.access
        // {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = gate "open";
          ExecStop = gate "close";
          TimeoutStartSec = 120;
          # The driver lets nobody else set the ready state.
          CapabilityBoundingSet = "CAP_SYS_ADMIN";
          PrivateNetwork = true;
          RestrictAddressFamilies = [ "AF_UNIX" ];
        };
    };
  };

  sampleUnit =
    if sample == null then
      { }
    else
      {
        affidavit-gpu-sample = {
          description = "Copies memory to each GPU and back, and adds vectors there";
          wantedBy = [ "multi-user.target" ];
          requires = [ "affidavit-gpu-ready.service" ];
          after = [ "affidavit-gpu-ready.service" ];
          serviceConfig =
            hardening
            // gpu.access
            // {
              Type = "oneshot";
              ExecStart = sample;
              DynamicUser = true;
              TimeoutStartSec = 300;
              PrivateNetwork = true;
              # CUDA hands descriptors of its own around through a socket.
              RestrictAddressFamilies = [ "AF_UNIX" ];
              InaccessiblePaths = [
                "-/sys/kernel/config"
                "-/run/affidavit"
              ];
            };
        };
      };
in
readyUnit // sampleUnit
