# What a unit of ours must keep to reach NVIDIA's devices, and nothing beyond.
{
  access = {
    PrivateDevices = false;
    DevicePolicy = "closed";
    # Groups of /proc/devices: control, GPUs, unified memory.
    DeviceAllow = [ "char-nvidia* rw" ];
  };
}
