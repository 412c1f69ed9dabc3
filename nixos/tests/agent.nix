# Without a TEE the agent ends with 30, once, and serves nothing; with a wrong key file it ends with 2. What it needs of
# the machine (keys, configuration, configfs) is there all the same.
{
  name = "affidavit-agent";

  nodes = {
    machine = {
      services.affidavit.agent.enable = true;
      services.affidavit.echo.cpp.enable = true;
    };
    misconfigured =
      { lib, ... }:
      {
        services.affidavit.agent.enable = true;
        services.affidavit.echo.cpp.enable = true;
        # A key that is none, after the keys were made and before the agent reads it.
        systemd.services.affidavit-agent.preStart = lib.mkAfter "echo none > /run/affidavit/public/echo-cpp.pub";
        systemd.services.affidavit-agent.serviceConfig.ReadWritePaths = [ "/run/affidavit/public" ];
      };
  };

  testScript = ''
    start_all()

    def exit_status(machine):
        machine.wait_until_succeeds("systemctl is-failed affidavit-agent.service")
        return machine.get_unit_property("affidavit-agent.service", "ExecMainStatus")

    with subtest("no TEE is said by the exit code, and systemd does not try again"):
        machine.wait_for_unit("affidavit-keys.service")
        assert exit_status(machine) == "30"
        assert machine.get_unit_property("affidavit-agent.service", "NRestarts") == "0"
        machine.fail("curl --fail --max-time 5 http://127.0.0.1:8080/attestation")

    with subtest("a key that is none has another exit code"):
        assert exit_status(misconfigured) == "2"

    with subtest("the report interface's file system is mounted"):
        machine.succeed("findmnt --kernel --type configfs /sys/kernel/config")
  '';
}
