/* What libjpeg-turbo's build would find out about the compiler, clang for 32-bit WebAssembly. */
#define BUILD "wasm"
#define INLINE inline __attribute__((always_inline))
#define THREAD_LOCAL
#define PACKAGE_NAME "libjpeg-turbo"
#define VERSION "2.1.5"
#define SIZEOF_SIZE_T 4
#define FALLTHROUGH __attribute__((fallthrough));
