/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled once an instruction set: fails the build when the set's flags did not reach the compiler. */
#if defined(FERRY_KERNEL_SET_AVX2)
_Static_assert(__AVX2__ && __FMA__ && __F16C__, "the AVX2 set needs -mavx2 -mfma -mf16c");
#elif defined(FERRY_KERNEL_SET_AVX512) && !defined(FERRY_EMULATE_AVX512)
_Static_assert(__AVX512F__ && __AVX512BW__ && __AVX512DQ__ && __AVX512VL__, "the AVX-512 set needs F, BW, DQ and VL");
#elif defined(FERRY_KERNEL_SET_SSE41)
_Static_assert(__SSE4_1__, "the SSE4.1 set needs -msse4.1");
#else
_Static_assert(1, "nothing to check");
#endif
