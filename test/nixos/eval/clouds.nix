# Messages of the assertions that fail with each cloud's profile, and that its disk for upload evaluates.
{ outputs, lib }:
let
  inherit (outputs) nixosConfigurations nixosModules;
  messages =
    guest: cloud: module:
    let
      inherit (guest.extendModules { modules = [ cloud module ]; }) config;
      failed = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
    in
    if failed == [ ] && !(lib.hasPrefix "/nix/store/" config.system.build.cloudImage.drvPath) then
      [ "no image" ]
    else
      failed;
  snp = nixosConfigurations.guest-snp;
  tdx = nixosConfigurations.guest-tdx;
in
{
  gcpTdx = messages tdx nixosModules.gcp { };
  gcpSnp = messages snp nixosModules.gcp { };
  awsSnp = messages snp nixosModules.aws { };
  awsSnpAccepted = messages snp nixosModules.aws { affidavit.cloud.insecureFirmwareMeasuredAlone = true; };
  awsTdx = messages tdx nixosModules.aws { };
  azureSnp = messages snp nixosModules.azure { };
  azureWithoutAgent = messages snp nixosModules.azure {
    affidavit.cloud.insecureWithoutAttestation = true;
    services.affidavit = {
      agent.enable = lib.mkForce false;
      services = lib.mkForce { };
      echo = lib.mkForce { };
    };
  };
}
