# package.json and package-lock.json as `importNpmLock` takes them. The lock in the repository names no registry
# (`omit-lockfile-registry-resolved`), so that it is the same whoever's mirror it was made with: what a package is, its
# integrity says. The address to fetch it from is added here.
{
  lib,
  # Folder that holds both files.
  npmRoot,
  registry ? "https://registry.npmjs.org",
  # Packages for building and testing too.
  dev ? true,
}:
let
  manifest = lib.importJSON "${npmRoot}/package.json";
  lock = lib.importJSON "${npmRoot}/package-lock.json";

  # Node itself comes from nixpkgs, not from npm.
  outside = [ "optionalDependencies" ] ++ lib.optional (!dev) "devDependencies";
  without = package: removeAttrs package outside;

  isNode = path: lib.hasPrefix "node_modules/node-linux-" path;
  isWanted = path: package: !(isNode path) && (dev || !(package.dev or false));

  # "node_modules/a/node_modules/@s/b" → "@s/b"
  nameOf = path: package: package.name or (lib.last (lib.splitString "node_modules/" path));

  runsHere =
    package:
    lib.elem "linux" (package.os or [ "linux" ])
    && lib.elem "x64" (package.cpu or [ "x64" ])
    && lib.elem "glibc" (package.libc or [ "glibc" ]);

  resolve =
    path: package:
    let
      name = nameOf path package;
      file = "${baseNameOf name}-${package.version}.tgz";
    in
    # npm leaves out what is for another platform: nothing to fetch.
    if !(runsHere package) then
      package
    else if !(package ? integrity) then
      throw "package-lock.json: ${path} has no integrity"
    else
      package // { resolved = "${registry}/${name}/-/${file}"; };

  packages = lib.mapAttrs resolve (
    lib.filterAttrs isWanted (removeAttrs lock.packages [ "" ])
  );
in
{
  package = without manifest;
  packageLock = lock // {
    packages = packages // {
      "" = without lock.packages."";
    };
  };
}
