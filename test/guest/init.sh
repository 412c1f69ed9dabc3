#!/bin/busybox sh
# First program of the test guest: what an image's own initrd does, then systemd. The provider's name is on the kernel's
# command line as affidavit_provider=NAME.
set -u
bb=/bin/busybox
fail() {
  echo "affidavit guest: $1 failed"
  $bb poweroff -f
}

$bb mount -t proc -o nosuid,noexec,nodev proc /proc || fail proc
$bb mount -t sysfs -o nosuid,noexec,nodev sysfs /sys || fail sysfs
$bb mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev || fail devtmpfs
$bb mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run || fail tmpfs

for module in configfs tsm failover net_failover virtio_net; do
  $bb insmod "/usr/lib/guest/$module.ko" || fail "$module"
done

# The kernel has taken the device for a console of its own.
for device in /sys/bus/virtio/drivers/virtio_console/virtio*; do
  [ -e "$device" ] && echo "${device##*/}" >"${device%/*}/unbind"
done
provider=$($bb sed -n 's/.*affidavit_provider=\([a-z_]*\).*/\1/p' /proc/cmdline)
$bb insmod /usr/lib/guest/affidavit_tsm.ko provider="$provider" || fail affidavit_tsm

$bb ip link set lo up
$bb ip link set eth0 up
$bb ip addr add 10.0.2.15/24 dev eth0
$bb ip route add default via 10.0.2.2

$bb ln -s "$($bb cat /usr/lib/guest/system)" /run/current-system
exec /usr/lib/systemd/systemd
