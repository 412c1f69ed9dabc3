# The text of a unit that is written as NixOS writes its services, for a system that is not NixOS (and for tests that
# compare the two). Takes what `units/*.nix` use and refuses anything else.
unit:
let
  known = [
    "after"
    "before"
    "description"
    "documentation"
    "requires"
    "serviceConfig"
    "unitConfig"
    "wantedBy"
    "wants"
  ];
  unknown = builtins.filter (name: !(builtins.elem name known)) (builtins.attrNames unit);

  value =
    found:
    if builtins.isBool found then
      (if found then "true" else "false")
    else
      toString found;
  # A list is a line for each of its items.
  lines =
    name: found:
    map (one: "${name}=${value one}") (if builtins.isList found then found else [ found ]);
  section = name: members:
    [ "[${name}]" ] ++ builtins.concatMap (key: lines key members.${key}) (builtins.attrNames members);

  words = name: key: if unit ? ${name} then { ${key} = builtins.concatStringsSep " " unit.${name}; } else { };
  head =
    { Description = unit.description; }
    // words "documentation" "Documentation"
    // words "requires" "Requires"
    // words "wants" "Wants"
    // words "after" "After"
    // words "before" "Before"
    // (unit.unitConfig or { });
in
if unknown != [ ] then
  throw "unit-text: unknown members ${toString unknown}"
else
  builtins.concatStringsSep "\n" (
    section "Unit" head ++ [ "" ] ++ section "Service" unit.serviceConfig ++ [ "" ]
  )
