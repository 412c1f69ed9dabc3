# Names of the unfree packages that `affidavit.gpu` allows, and no others. The kernel module is the open one, but the
# firmware of the GPU's own processor, the driver's libraries and CUDA are not.
[
  "cuda_cccl"
  "cuda_compat"
  "cuda_cudart"
  "cuda_nvcc"
  "fabricmanager"
  "nvidia-dc"
]
