# When collateral is looked for again. Vendors are asked far less often: the refresher has a cache, and knows what is about to end.
{
  affidavit-collateral = {
    description = "Looks for collateral of the agent's evidence";
    wantedBy = [ "timers.target" ];
    timerConfig = {
      # The first time it starts with the machine.
      OnUnitInactiveSec = "1h";
      # Machines that started together go apart.
      RandomizedDelaySec = "10min";
    };
  };
}
