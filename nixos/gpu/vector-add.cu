// Shows that a CUDA program runs on each GPU of the guest: bytes go to the device and come back unchanged, and a
// kernel adds two vectors. Every byte and every element is compared. Prints one line of JSON on standard output.
//
// Exit codes: 0 all is as computed · 1 a difference or a CUDA error · 2 wrong usage.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <cuda_runtime.h>

namespace {

// 64 MiB each: larger than any bounce buffer that a driver may keep, so that copies are made in parts.
constexpr std::size_t elements = std::size_t{1} << 24;
constexpr std::size_t bytes = elements * sizeof(std::uint32_t);
constexpr unsigned threads = 256;

__global__ void addVectors(const std::uint32_t *a, const std::uint32_t *b, std::uint32_t *sum, std::size_t count) {
  const std::size_t at = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    sum[at] = a[at] + b[at];
  }
}

// A sequence in which no two neighbours are alike, so that a shifted or repeated page shows.
std::vector<std::uint32_t> sequence(std::uint32_t seed) {
  std::vector<std::uint32_t> values(elements);
  std::uint32_t state = seed;
  for (std::uint32_t &value : values) {
    state = state * 1664525U + 1013904223U;
    value = state;
  }
  return values;
}

[[noreturn]] void fail(int device, const char *step, const char *reason) {
  std::printf("{\"sample\":\"vector-add\",\"ok\":false,\"device\":%d,\"step\":\"%s\",\"reason\":\"%s\"}\n", device, step,
              reason);
  std::exit(1);
}

void check(int device, const char *step, cudaError_t result) {
  if (result != cudaSuccess) {
    fail(device, step, cudaGetErrorName(result));
  }
}

// Device memory of `bytes` bytes, freed at the end of its scope.
class DeviceVector {
public:
  explicit DeviceVector(int device) { check(device, "allocate", cudaMalloc(&memory_, bytes)); }
  DeviceVector(const DeviceVector &) = delete;
  DeviceVector &operator=(const DeviceVector &) = delete;
  ~DeviceVector() { cudaFree(memory_); }
  std::uint32_t *get() const { return static_cast<std::uint32_t *>(memory_); }

private:
  void *memory_ = nullptr;
};

void copyThereAndBack(int device, const std::vector<std::uint32_t> &values, const DeviceVector &there) {
  std::vector<std::uint32_t> back(elements, 0);
  check(device, "copy to device", cudaMemcpy(there.get(), values.data(), bytes, cudaMemcpyHostToDevice));
  check(device, "copy from device", cudaMemcpy(back.data(), there.get(), bytes, cudaMemcpyDeviceToHost));
  if (std::memcmp(values.data(), back.data(), bytes) != 0) {
    fail(device, "compare copy", "bytes differ");
  }
}

void compareSums(int device, const std::vector<std::uint32_t> &a, const std::vector<std::uint32_t> &b,
                 const std::vector<std::uint32_t> &sums) {
  for (std::size_t at = 0; at < elements; at++) {
    if (sums[at] != a[at] + b[at]) {
      fail(device, "compare sums", "sums differ");
    }
  }
}

void runOn(int device) {
  check(device, "select", cudaSetDevice(device));
  const std::vector<std::uint32_t> a = sequence(1);
  const std::vector<std::uint32_t> b = sequence(2);
  const DeviceVector deviceA(device);
  const DeviceVector deviceB(device);
  const DeviceVector deviceSum(device);
  copyThereAndBack(device, a, deviceA);
  copyThereAndBack(device, b, deviceB);
  constexpr unsigned blocks = (elements + threads - 1) / threads;
  addVectors<<<blocks, threads>>>(deviceA.get(), deviceB.get(), deviceSum.get(), elements);
  check(device, "launch", cudaGetLastError());
  check(device, "run", cudaDeviceSynchronize());
  // Not zero, so that sums which never arrived cannot pass for sums of zero.
  std::vector<std::uint32_t> sums(elements, 0xdeadbeefU);
  check(device, "copy sums", cudaMemcpy(sums.data(), deviceSum.get(), bytes, cudaMemcpyDeviceToHost));
  compareSums(device, a, b, sums);
}

}  // namespace

int main(int argc, char **) {
  if (argc != 1) {
    std::fputs("usage: vector-add\n", stderr);
    return 2;
  }
  int devices = 0;
  check(-1, "count", cudaGetDeviceCount(&devices));
  if (devices == 0) {
    fail(-1, "count", "no device");
  }
  for (int device = 0; device < devices; device++) {
    runOn(device);
  }
  std::printf("{\"sample\":\"vector-add\",\"ok\":true,\"devices\":%d,\"elements\":%zu}\n", devices, elements);
  return 0;
}
