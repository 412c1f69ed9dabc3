// How many ECDSA signatures libsecp256k1 makes in a second of processor time: the most that a service built on it
// could. Prints that whole number.
#include <secp256k1.h>

#include <cstdio>
#include <cstring>
#include <ctime>

namespace {

constexpr long seconds = 1;

// Each signature signs the one before it, so that none is like another.
long count_signatures(const secp256k1_context *context, const unsigned char *key) {
    unsigned char hash[32] = {1};
    secp256k1_ecdsa_signature signature;
    const std::clock_t end = std::clock() + seconds * CLOCKS_PER_SEC;
    long count = 0;
    while (std::clock() < end) {
        if (secp256k1_ecdsa_sign(context, &signature, hash, key, nullptr, nullptr) != 1) return -1;
        std::memcpy(hash, signature.data, sizeof hash);
        ++count;
    }
    return count;
}

} // namespace

int main() {
    unsigned char key[32];
    std::memset(key, 0x5a, sizeof key);
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
    const bool randomized = secp256k1_context_randomize(context, key) == 1;
    const long count = randomized ? count_signatures(context, key) : -1;
    secp256k1_context_destroy(context);
    if (count < 0) return 1;
    std::printf("%ld\n", count / seconds);
    return 0;
}
