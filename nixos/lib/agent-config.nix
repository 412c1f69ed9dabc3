# The agent's configuration (docs/agent.md) from what a guest declares, as an attribute set for toJSON.
{
  host,
  port,
  # { registration = FILE; } or { scan = PATH; }.
  closure,
  # name → store path of the package whose NAR hash is bound.
  services,
  tls ? null,
  events ? null,
  privlevel ? 0,
  accessLog ? "info",
  # As in docs/agent.md, in the order of a bundle.
  devices ? [ ],
  # null: none; { }: the kernel's files.
  eventLog ? { },
  # Member of docs/agent.md → file.
  collateral ? { },
}:
let
  folders = import ../units/folders.nix;
in
{
  version = 1;
  listen = { inherit host port; };
  inherit
    tls
    events
    privlevel
    accessLog
    closure
    devices
    eventLog
    ;
  services = map (name: {
    inherit name;
    storePath = services.${name};
    publicKeyFile = "${folders.public}/${name}.pub";
  }) (builtins.attrNames services);
  collateral = {
    vek = null;
    ask = null;
    ark = null;
    arkCrl = null;
  }
  // collateral;
}
