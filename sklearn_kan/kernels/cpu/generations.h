/* Which generations of processors a compiler knows by name. */
#ifndef SKLEARN_KAN_GENERATIONS_H
#define SKLEARN_KAN_GENERATIONS_H

/* What all generations share is compiled before code for one of them begins. */
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define HAS_GENERATIONS 1
#ifdef __SANITIZE_ADDRESS__ /* one of two is enough to watch, and takes its time to compile */
#define IS_V3 false
#define ON_V3(function) function##_v1
#else
#define IS_V3 __builtin_cpu_supports("x86-64-v3")
#define ON_V3(function) function##_v3
#endif
#define CALL(function, ...)                                                      \
    if (__builtin_cpu_supports("x86-64-v4")) return function##_v4(__VA_ARGS__);  \
    if (IS_V3) return ON_V3(function)(__VA_ARGS__);                              \
    return function##_v1(__VA_ARGS__);
#else
#define HAS_GENERATIONS 0
#define CALL(function, ...) return function##_v1(__VA_ARGS__);
#endif

#endif
