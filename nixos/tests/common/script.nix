# Python for the test's script: `start_image(machine)` for each of the nodes that boot an image, with a disk of its own.
{ nodes, names }:
let
  qemu = nodes.${builtins.head names}.virtualisation.qemu.package;
  image = name: "${nodes.${name}.system.build.image}/${nodes.${name}.image.fileName}";
in
''
  import os
  import subprocess
  import tempfile

  images = ${builtins.toJSON (builtins.listToAttrs (map (name: { inherit name; value = image name; }) names))}
  disks = {}

  def start_image(machine):
      if machine.name not in disks:
          disks[machine.name] = tempfile.NamedTemporaryFile()
          command = ["${qemu}/bin/qemu-img", "create", "-f", "qcow2", "-F", "raw"]
          subprocess.run([*command, "-b", images[machine.name], disks[machine.name].name], check=True)
      os.environ["NIX_DISK_IMAGE"] = disks[machine.name].name
      machine.start()

  def answers(name, port):
      client.wait_until_succeeds(f"printf 'hello\\n' | timeout 20 nc -N {name} {port} | grep -q hello")
''
