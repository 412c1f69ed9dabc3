# Looks at guests from outside.
{ pkgs, ... }:
{
  environment.systemPackages = [ pkgs.netcat ];
}
