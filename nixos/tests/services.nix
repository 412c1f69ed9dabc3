# Each sample answers with a signature, under limits that systemd has put into force. Its key is readable for it alone:
# the files belong to root, and another service's unit sees neither them nor the folder.
{
  name = "affidavit-services";

  nodes = {
    machine = {
      imports = [ ../configurations/samples.nix ];
      services.affidavit.agent.enable = true;
      users.users.somebody.isNormalUser = true;
    };
    # The same without open ports.
    closed = {
      services.affidavit.agent.enable = true;
      services.affidavit.echo = {
        cpp.enable = true;
        rust.enable = true;
        node.enable = true;
      };
    };
    client =
      { pkgs, ... }:
      {
        environment.systemPackages = [ pkgs.netcat ];
      };
  };

  testScript = ''
    start_all()
    services = {"echo-cpp": 7101, "echo-rust": 7102, "echo-node": 7103}

    for name, port in services.items():
        machine.wait_for_unit(f"{name}.service")
        machine.wait_for_open_port(port)
        closed.wait_for_open_port(port)

        with subtest(f"{name} answers from outside, and only where its port is open"):
            answer = client.succeed(f"printf 'hello\\n' | timeout 20 nc -N machine {port}")
            assert "hello" in answer and len(answer) > 64, f"no signed answer: {answer}"
            client.fail(f"printf 'hello\\n' | timeout 5 nc -N closed {port}")

        with subtest(f"{name}: nobody else reads its key"):
            key = f"/run/affidavit/keys/{name}.key"
            machine.succeed(f"test -s {key}")
            machine.fail(f"su somebody -s /bin/sh -c 'cat {key}'")

        with subtest(f"{name} runs under its unit's limits"):
            pid = machine.get_unit_property(f"{name}.service", "MainPID")
            status = machine.succeed(f"cat /proc/{pid}/status")
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert fields["NoNewPrivs"] == "1"
            assert fields["Seccomp"] == "2"
            assert int(fields["CapEff"], 16) == 0 and int(fields["CapBnd"], 16) == 0
            assert fields["Uid"].split()[0] != "0", "a service is root"
            enter = f"nsenter --target {pid} --mount"
            machine.succeed(f"{enter} test -d /nix/store")
            machine.fail(f"{enter} ls /run/affidavit/keys")
            machine.fail(f"{enter} touch /var/written")

    with subtest("no two services have one key"):
        keys = [machine.succeed(f"cat /run/affidavit/public/{name}.pub") for name in services]
        assert len(set(keys)) == len(services)
  '';
}
