# A service that keeps state on the sealed volume runs where the volume opens: on the first boot, which makes it, and on
# the second. With another TPM the volume stays closed and that service away, while one without state answers.
let
  # Whoever has it signs images that open the disk. This one is in the builder's store, for the test alone.
  signingKey =
    pkgs:
    pkgs.runCommand "insecure-signing-key" { nativeBuildInputs = [ pkgs.openssl ]; } ''
      mkdir $out
      openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $out/private.pem
      openssl pkey -in $out/private.pem -pubout -out $out/public.pem
    '';
in
{
  name = "affidavit-sealed-disk";

  nodes = {
    sealed =
      { pkgs, ... }:
      {
        imports = [ (import ./common/guest.nix "sealed") ];
        virtualisation = {
          tpm.enable = true;
          emptyDiskImages = [ 96 ];
        };
        boot.uki.settings."PCRSignature:test" = {
          PCRPrivateKey = "${signingKey pkgs}/private.pem";
          PCRPublicKey = "${signingKey pkgs}/public.pem";
          Phases = "enter-initrd:leave-initrd";
        };
        affidavit.sealedDisk = {
          enable = true;
          device = "/dev/vdb";
          insecureNoRecovery = true;
          requiredBy = [ "echo-cpp.service" ];
        };
        services.affidavit.echo.cpp = {
          enable = true;
          openFirewall = true;
        };
        services.affidavit.echo.rust = {
          enable = true;
          openFirewall = true;
        };
      };
    client = ./common/client.nix;
  };

  testScript =
    { nodes, ... }:
    ''
      ${import ./common/script.nix {
        inherit nodes;
        names = [ "sealed" ];
      }}

      def boot_with_tpm(folder):
          os.environ["NIX_SWTPM_DIR"] = folder
          start_image(sealed)

      own, other = tempfile.mkdtemp(), tempfile.mkdtemp()
      client.start()
      client.wait_for_unit("multi-user.target")

      with subtest("the first boot makes the volume, and what needs it runs"):
          boot_with_tpm(own)
          answers("sealed", 7101)
          sealed.crash()

      with subtest("the second opens it"):
          boot_with_tpm(own)
          answers("sealed", 7101)
          sealed.crash()

      with subtest("another TPM does not, and the rest of the machine runs"):
          boot_with_tpm(other)
          answers("sealed", 7102)
          client.fail("timeout 60 sh -c 'until nc -z sealed 7101; do sleep 1; done'")
          sealed.crash()

      with subtest("the disk is as good as before"):
          boot_with_tpm(own)
          answers("sealed", 7101)
    '';
}
