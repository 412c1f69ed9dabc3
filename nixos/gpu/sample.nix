# vector-add.cu, built. CUDA's compiler and run time are unfree: names in `unfree.nix`.
{
  lib,
  cudaPackages,
  autoAddDriverRunpath,
}:
cudaPackages.backendStdenv.mkDerivation {
  pname = "affidavit-gpu-sample";
  version = "1";

  src = lib.fileset.toSource {
    root = ./.;
    fileset = ./vector-add.cu;
  };

  strictDeps = true;
  nativeBuildInputs = [
    cudaPackages.cuda_nvcc
    # The driver's libcuda is the guest's, not the closure's of this package: found below /run/opengl-driver.
    autoAddDriverRunpath
  ];
  buildInputs = [ cudaPackages.cuda_cudart ];

  dontConfigure = true;

  # Hopper and Blackwell, the two that have a confidential mode; no code for others.
  buildPhase = ''
    runHook preBuild
    nvcc --std=c++17 -O2 --Werror all-warnings \
      --generate-code arch=compute_90,code=sm_90 \
      --generate-code arch=compute_100,code=sm_100 \
      --cudart shared --output-file vector-add vector-add.cu
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    install -D -m 0555 vector-add $out/bin/vector-add
    runHook postInstall
  '';

  meta = {
    description = "Copies memory to a GPU and back, adds vectors there, and compares every element";
    license = lib.licenses.asl20;
    mainProgram = "vector-add";
    platforms = [ "x86_64-linux" ];
  };
}
