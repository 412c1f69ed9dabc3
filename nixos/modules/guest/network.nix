# The network: one DHCP client, a firewall that lets in what is declared, and no time from strangers.
{ config, lib, ... }:
let
  cfg = config.affidavit.guest;
in
{
  config = lib.mkIf cfg.enable {
    networking = {
      hostName = lib.mkDefault "affidavit";
      useNetworkd = true;
      useDHCP = false;
      nftables.enable = true;
      firewall = {
        enable = true;
        allowPing = false;
        logRefusedConnections = false;
      };
      # Names and times that the network offers are nobody's word.
      timeServers = [ ];
    };
    services.timesyncd.enable = false;
    services.resolved.enable = true;

    systemd.network = {
      networks."10-ethernet" = {
        matchConfig.Type = "ether";
        networkConfig = {
          DHCP = "yes";
          LLMNR = false;
          MulticastDNS = false;
        };
        dhcpV4Config = {
          UseHostname = false;
          UseNTP = false;
          UseDomains = false;
        };
        dhcpV6Config = {
          UseHostname = false;
          UseNTP = false;
          UseDomains = false;
        };
      };
      # Services listen on every address: nothing waits for one.
      wait-online.enable = false;
    };
  };
}
