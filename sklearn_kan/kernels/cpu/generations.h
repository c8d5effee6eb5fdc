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
#else
#define HAS_GENERATIONS 0
#endif

#endif
