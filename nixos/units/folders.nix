# Where the keys of the guest's services live: made at each boot, in memory, never on a disk.
{
  # Below /run.
  privateName = "affidavit/keys";
  publicName = "affidavit/public";
  private = "/run/affidavit/keys";
  public = "/run/affidavit/public";
  # Below /var/lib and /var/cache.
  collateralName = "affidavit-collateral";
  collateral = "/var/lib/affidavit-collateral";
  tsm = "/sys/kernel/config/tsm/report";
}
