/* Which generations of processors a compiler knows by name. */
#ifndef SKLEARN_KAN_GENERATIONS_H
#define SKLEARN_KAN_GENERATIONS_H

/* What all generations share is compiled before code for one of them begins. */
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && \
    !defined(__SANITIZE_ADDRESS__) /* one is enough to watch, with the widest vectors */
#define HAS_GENERATIONS 1
#define CALL(function, ...)                                                      \
    if (__builtin_cpu_supports("x86-64-v4")) return function##_v4(__VA_ARGS__);  \
    if (__builtin_cpu_supports("x86-64-v3")) return function##_v3(__VA_ARGS__);  \
    return function##_v1(__VA_ARGS__);
#else
#define HAS_GENERATIONS 0
#define CALL(function, ...) return function##_v1(__VA_ARGS__);
#endif

#endif
